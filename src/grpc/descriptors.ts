import { create, type Message, toBinary } from "@bufbuild/protobuf";
import { base64Encode } from "@bufbuild/protobuf/wire";
import {
  fileDesc,
  type GenMessage,
  type GenService,
  messageDesc,
  serviceDesc,
} from "@bufbuild/protobuf/codegenv2";
import {
  type DescriptorProto,
  DescriptorProtoSchema,
  type FieldDescriptorProto,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldDescriptorProtoSchema,
  FileDescriptorProtoSchema,
  MethodDescriptorProtoSchema,
  ServiceDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";

/**
 * The gRPC services this server speaks, as descriptors. Written by hand: they are small, and they
 * leave the log entries alone. On the wire a repeated sub-message is the same as repeated bytes, so
 * streams are declared as bytes here, and the distributor reads them in place.
 *
 * Sources: Loki's push.proto (package logproto), dskit's httpgrpc.proto, gRPC's health.proto and
 * OpenTelemetry's logs_service.proto, all published interfaces.
 */

const { REPEATED, OPTIONAL } = FieldDescriptorProto_Label;
const { BYTES, INT32, STRING, MESSAGE, ENUM } = FieldDescriptorProto_Type;

function field(
  number: number,
  name: string,
  type: FieldDescriptorProto_Type,
  more: { readonly isRepeated?: boolean; readonly typeName?: string } = {},
): FieldDescriptorProto {
  return create(FieldDescriptorProtoSchema, {
    number,
    name,
    type,
    label: more.isRepeated === true ? REPEATED : OPTIONAL,
    ...(more.typeName === undefined ? {} : { typeName: more.typeName }),
  });
}

interface FileShape {
  readonly name: string;
  readonly package: string;
  readonly messages: Readonly<Record<string, readonly FieldDescriptorProto[]>>;
  readonly enums?: Readonly<Record<string, readonly string[]>>;
  /** service → method → [request, response]. */
  readonly services?: Readonly<Record<string, Readonly<Record<string, readonly [string, string]>>>>;
}

/** What a code generator would have written as base64 into its output. */
function file(shape: FileShape): ReturnType<typeof fileDesc> {
  const nameOf = (message: string): string => `.${shape.package}.${message}`;
  const messageType = Object.entries(shape.messages).map(
    ([name, fields]): DescriptorProto =>
      create(DescriptorProtoSchema, { name, field: [...fields] }),
  );
  const service = Object.entries(shape.services ?? {}).map(([name, methods]) =>
    create(ServiceDescriptorProtoSchema, {
      name,
      method: Object.entries(methods).map(([method, [input, output]]) =>
        create(MethodDescriptorProtoSchema, {
          name: method,
          inputType: nameOf(input),
          outputType: nameOf(output),
        }),
      ),
    }),
  );
  const enumType = Object.entries(shape.enums ?? {}).map(([name, values]) => ({
    name,
    value: values.map((value, number) => ({ name: value, number })),
  }));
  const proto = create(FileDescriptorProtoSchema, {
    name: shape.name,
    package: shape.package,
    syntax: "proto3",
    messageType,
    enumType,
    service,
  });
  return fileDesc(base64Encode(toBinary(FileDescriptorProtoSchema, proto)));
}

/** A push whose streams (field 1) are not decoded. */
export type RawPush<Name extends string = string> = Message<Name> & { streams: Uint8Array[] };

const pushFile = file({
  name: "logproto/push.proto",
  package: "logproto",
  messages: {
    PushRequest: [field(1, "streams", BYTES, { isRepeated: true })],
    PushResponse: [],
  },
  services: { Pusher: { Push: ["PushRequest", "PushResponse"] } },
});

export type PushRequest = RawPush<"logproto.PushRequest">;
export type PushResponse = Message<"logproto.PushResponse">;

/** `logproto.Pusher`: what syslog-ng's `loki()` and NLog speak. */
export const Pusher: GenService<{
  push: {
    methodKind: "unary";
    input: GenMessage<PushRequest>;
    output: GenMessage<PushResponse>;
  };
}> = serviceDesc(pushFile, 0);

const otlpFile = file({
  name: "opentelemetry/proto/collector/logs/v1/logs_service.proto",
  package: "opentelemetry.proto.collector.logs.v1",
  messages: {
    ExportLogsServiceRequest: [field(1, "streams", BYTES, { isRepeated: true })],
    ExportLogsServiceResponse: [],
  },
  services: {
    LogsService: { Export: ["ExportLogsServiceRequest", "ExportLogsServiceResponse"] },
  },
});

type OtlpPackage = "opentelemetry.proto.collector.logs.v1";

/** OpenTelemetry's log exporter over gRPC. */
export const LogsService: GenService<{
  export: {
    methodKind: "unary";
    input: GenMessage<RawPush<`${OtlpPackage}.ExportLogsServiceRequest`>>;
    output: GenMessage<Message<`${OtlpPackage}.ExportLogsServiceResponse`>>;
  };
}> = serviceDesc(otlpFile, 0);

const healthFile = file({
  name: "grpc/health/v1/health.proto",
  package: "grpc.health.v1",
  messages: {
    HealthCheckRequest: [field(1, "service", STRING)],
    HealthCheckResponse: [field(1, "status", ENUM, { typeName: ".grpc.health.v1.ServingStatus" })],
  },
  enums: { ServingStatus: ["UNKNOWN", "SERVING", "NOT_SERVING"] },
  services: { Health: { Check: ["HealthCheckRequest", "HealthCheckResponse"] } },
});

export const ServingStatus = { Serving: 1, NotServing: 2 } as const;
export type ServingStatus = (typeof ServingStatus)[keyof typeof ServingStatus];

/** gRPC's standard health check. */
export const Health: GenService<{
  check: {
    methodKind: "unary";
    input: GenMessage<Message<"grpc.health.v1.HealthCheckRequest"> & { service: string }>;
    output: GenMessage<Message<"grpc.health.v1.HealthCheckResponse"> & { status: number }>;
  };
}> = serviceDesc(healthFile, 0);

const httpGrpcFile = file({
  name: "httpgrpc/httpgrpc.proto",
  package: "httpgrpc",
  messages: {
    HTTPResponse: [
      field(1, "code", INT32),
      field(2, "headers", MESSAGE, { isRepeated: true, typeName: ".httpgrpc.Header" }),
      field(3, "body", BYTES),
    ],
    Header: [field(1, "key", STRING), field(2, "values", STRING, { isRepeated: true })],
  },
});

/** The HTTP answer inside a gRPC error, as Loki's own clients read it. */
export const HttpResponseSchema: GenMessage<
  Message<"httpgrpc.HTTPResponse"> & { code: number; body: Uint8Array }
> = messageDesc(httpGrpcFile, 0);
