import { request as httpRequest } from "node:http";
import { Agent as HttpsAgent, type AgentOptions, request as httpsRequest } from "node:https";
import type { OutgoingAnswer, OutgoingRequest, PostHttp, TlsFiles } from "#ruler";
import type { Files } from "#world";

/** Answers are read for messages only. */
const answerBytesMax = 2048;

/** POST by Node's own client; certificates are read from their files at each new agent. */
export function outgoingHttp(files: Files): PostHttp {
  const agents = new Map<string, Promise<HttpsAgent>>();
  const agentOf = (tls: TlsFiles | undefined): Promise<HttpsAgent> => {
    const place = JSON.stringify(tls ?? null);
    let agent = agents.get(place);
    if (agent === undefined) {
      agent = tlsOptions(tls, files).then((options) => new HttpsAgent(options));
      agents.set(place, agent);
      // A file that was missing may be there at the next try.
      agent.catch(() => agents.delete(place));
    }
    return agent;
  };
  return async (outgoing) => {
    const isTls = outgoing.url.startsWith("https:");
    return post(outgoing, isTls ? await agentOf(outgoing.tls) : undefined);
  };
}

async function tlsOptions(tls: TlsFiles | undefined, files: Files): Promise<AgentOptions> {
  if (tls === undefined) return {};
  const read = async (path: string) => (path === "" ? undefined : files.read(path));
  const [ca, cert, key] = await Promise.all([
    read(tls.caFile),
    read(tls.certFile),
    read(tls.keyFile),
  ]);
  return {
    rejectUnauthorized: !tls.insecureSkipVerify,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(tls.serverName === "" ? {} : { servername: tls.serverName }),
  };
}

function post(outgoing: OutgoingRequest, agent: HttpsAgent | undefined): Promise<OutgoingAnswer> {
  const { url, headers, body, timeoutMs, signal } = outgoing;
  const within = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  return new Promise((resolve, reject) => {
    const request = agent === undefined ? httpRequest : httpsRequest;
    const sent = request(
      url,
      {
        method: "POST",
        headers: { "User-Agent": "Skald", ...headers, "Content-Length": String(body.length) },
        signal: within,
        ...(agent === undefined ? {} : { agent }),
      },
      (answer) => {
        let text = "";
        answer.setEncoding("utf8");
        answer.on("data", (chunk: string) => {
          if (text.length < answerBytesMax) text += chunk;
        });
        answer.on("error", reject);
        answer.on("end", () => {
          const seconds = Number(answer.headers["retry-after"] ?? Number.NaN);
          resolve({
            status: answer.statusCode ?? 0,
            text: text.slice(0, answerBytesMax).trim(),
            retryAfterMs: Number.isFinite(seconds) ? seconds * 1000 : undefined,
          });
        });
      },
    );
    sent.on("error", (error) => {
      const late = new Error(`no answer within ${timeoutMs} ms`);
      reject(within.aborted && !signal.aborted ? late : error);
    });
    sent.end(body);
  });
}
