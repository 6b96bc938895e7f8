/**
 * `Expect: 100-continue`: a client asks whether it should send its body. It is told so only when the
 * request has passed everything that is checked without the body; else it gets its answer and has
 * sent nothing in vain.
 */
import type { IncomingMessage, RequestListener, Server } from "node:http";
import type { FastifyInstance } from "fastify";

const asking = new WeakSet<IncomingMessage>();

/** Lets such requests through to the handler like others; `inviteBodies` answers what they ask. */
export function passExpectations(server: Pick<Server, "on">, handler: RequestListener): void {
  server.on("checkContinue", (request: IncomingMessage, response) => {
    asking.add(request);
    handler(request, response);
  });
}

export function inviteBodies(app: FastifyInstance): void {
  app.addHook("preParsing", (request, reply, payload, done) => {
    if (asking.delete(request.raw)) reply.raw.writeContinue();
    done(null, payload);
  });
}
