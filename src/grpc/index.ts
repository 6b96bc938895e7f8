/** Loki's gRPC API: pushes and health. */
export type { GrpcPorts, GrpcPushReply, GrpcPushRequest } from "./ports.ts";
export { type GrpcServer, type GrpcServerOptions, startGrpcServer } from "./server.ts";
