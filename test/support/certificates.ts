/**
 * Certificates for tests, made when they are needed: keys on P-256, signed by ECDSA with SHA-256.
 * Node reads certificates and does not write them, so the little DER that is needed stands here
 * (RFC 5280).
 */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

export interface TestCertificate {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
}

export interface TestAuthority extends TestCertificate {
  /** A certificate for a server of this machine, or for a client. */
  issue(options: { readonly commonName: string; readonly uri?: string }): TestCertificate;
}

export function testAuthority(commonName = "Test authority"): TestAuthority {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const own = make({ subject: commonName, issuer: commonName, publicKey, signer: privateKey });
  return {
    ...pem(own, privateKey),
    issue: ({ commonName: subject, uri }) => {
      const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const cert = make({
        subject,
        issuer: commonName,
        publicKey: pair.publicKey,
        signer: privateKey,
        names: ["localhost", ...(uri === undefined ? [] : [uri])],
      });
      return pem(cert, pair.privateKey);
    },
  };
}

function pem(der: Buffer, key: KeyObject): TestCertificate {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`,
    key: String(key.export({ format: "pem", type: "pkcs8" })),
  };
}

interface Parts {
  readonly subject: string;
  readonly issuer: string;
  readonly publicKey: KeyObject;
  readonly signer: KeyObject;
  /** Names of a server or client; none: an authority. */
  readonly names?: readonly string[];
}

const ecdsaWithSha256 = "2a8648ce3d040302";
const oidCommonName = "550403";
const oidBasicConstraints = "551d13";
const oidAlternativeNames = "551d11";

function make({ subject, issuer, publicKey, signer, names }: Parts): Buffer {
  const algorithm = sequence(der(0x06, Buffer.from(ecdsaWithSha256, "hex")));
  const isAuthority = names === undefined;
  const extensions = [
    extension(
      oidBasicConstraints,
      sequence(...(isAuthority ? [der(0x01, Buffer.from([0xff]))] : [])),
    ),
    ...(isAuthority ? [] : [extension(oidAlternativeNames, alternativeNames(names))]),
  ];
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    algorithm,
    name(issuer),
    sequence(time("20200101000000Z"), time("21200101000000Z")),
    name(subject),
    publicKey.export({ format: "der", type: "spki" }),
    der(0xa3, sequence(...extensions)),
  );
  const signature = sign("sha256", body, signer);
  return sequence(body, algorithm, der(0x03, Buffer.concat([Buffer.from([0]), signature])));
}

function alternativeNames(names: readonly string[]): Buffer {
  const loopback = der(0x87, Buffer.from([127, 0, 0, 1]));
  const texts = names.map((text) => der(text.includes(":") ? 0x86 : 0x82, Buffer.from(text)));
  return sequence(loopback, ...texts);
}

function extension(oid: string, value: Buffer): Buffer {
  return sequence(der(0x06, Buffer.from(oid, "hex")), der(0x04, value));
}

function name(commonName: string): Buffer {
  const pair = sequence(
    der(0x06, Buffer.from(oidCommonName, "hex")),
    der(0x0c, Buffer.from(commonName)),
  );
  return sequence(der(0x31, pair));
}

function time(text: string): Buffer {
  return der(0x18, Buffer.from(text));
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const head =
    length < 0x80
      ? [tag, length]
      : length < 0x100
        ? [tag, 0x81, length]
        : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), content]);
}
