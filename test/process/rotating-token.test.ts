import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { startSkald, temporaryFolder } from "../support/skald-process.ts";
import { s3Error, startTinyS3, stsAnswer, type TinyS3 } from "../support/tiny-s3.ts";

const hourMs = 3_600_000;
const role = "arn:aws:iam::123456789012:role/logs";

/** STS that takes one token, S3 that takes the keys made of it; what either saw is kept. */
class RotatingAccess {
  valid = "one";
  readonly exchanged: string[] = [];

  constructor(tiny: TinyS3) {
    tiny.misbehave = (request) => {
      const isSts = request.path === "/" && request.method === "POST";
      if (isSts) return this.#exchange(new URLSearchParams(request.body.toString()));
      const isValid = request.headers.authorization?.includes(`Credential=ASIA${this.valid}/`);
      return isValid === true ? undefined : s3Error(400, "ExpiredToken");
    };
  }

  #exchange(form: URLSearchParams): ReturnType<typeof stsAnswer> {
    const token = form.get("WebIdentityToken") ?? "";
    assert.equal(form.get("RoleArn"), role);
    this.exchanged.push(token);
    if (token !== this.valid) return s3Error(400, "InvalidIdentityToken");
    return stsAnswer("AssumeRoleWithWebIdentity", {
      accessKeyId: `ASIA${token}`,
      secretAccessKey: `secret-of-${token}`,
      sessionToken: `session-of-${token}`,
      endMs: Date.now() + hourMs,
    });
  }
}

function configOf(store: "skald" | "tsdb"): string {
  return `
auth_enabled: false
server: {http_listen_address: 127.0.0.1, http_listen_port: \${PORT}, grpc_listen_port: 0}
common: {path_prefix: "\${DATA}/data"}
query_range: {cache_results: false}
skald: {object_cache_size: 0}
schema_config:
  configs:
    - from: 2020-01-01
      store: ${store}
      object_store: s3
      schema: v13
      index: {prefix: index_, period: 24h}
storage_config:
  aws: {bucketnames: logs, region: eu-west-1, endpoint: "\${S3}", s3forcepathstyle: true}
`;
}

for (const store of ["skald", "tsdb"] as const) {
  test(`a token that rotates is picked up while the process runs: ${store}`, async () => {
    await using tiny = await startTinyS3();
    const access = new RotatingAccess(tiny);
    const folder = temporaryFolder();
    const file = join(folder, "token");
    writeFileSync(file, "one");
    const env = {
      S3: tiny.endpoint,
      AWS_ENDPOINT_URL_STS: tiny.endpoint,
      AWS_ROLE_ARN: role,
      AWS_WEB_IDENTITY_TOKEN_FILE: file,
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_ACCESS_KEY_ID: "",
      AWS_SECRET_ACCESS_KEY: "",
    };
    await using skald = await startSkald({ folder, config: configOf(store), env });
    const api = `${skald.url}/loki/api/v1`;
    const firstNs = BigInt(Date.now() - 60_000) * 1_000_000n;
    const written: string[] = [];
    for (const token of ["one", "two", "three"]) {
      // The old one is revoked in the same moment, as when an operator does it.
      access.valid = token;
      writeFileSync(file, token);
      const values = [[String(firstNs + BigInt(written.length)), token]];
      const body = JSON.stringify({ streams: [{ stream: { app: "a" }, values }] });
      const headers = { "Content-Type": "application/json" };
      const pushed = await fetch(`${api}/push`, { method: "POST", headers, body });
      assert.equal(pushed.status, 204, await pushed.text());
      const flushed = await fetch(`${skald.url}/flush`, { method: "POST" });
      assert.equal(flushed.status, 204, `${token}: ${await flushed.text()}`);
      written.push(token);
      const query = `query=${encodeURIComponent('{app="a"}')}&direction=forward`;
      const answer = await fetch(`${api}/query_range?${query}`);
      const text = await answer.text();
      assert.equal(answer.status, 200, text);
      const { data } = JSON.parse(text) as {
        data: { result: { values: [string, string][] }[] };
      };
      const lines = data.result.flatMap(({ values: found }) => found.map(([, line]) => line));
      assert.deepEqual(lines, written);
    }
    assert.deepEqual([...new Set(access.exchanged)], ["one", "two", "three"]);
    assert.doesNotMatch(skald.output(), /secret-of|session-of/);
  });
}
