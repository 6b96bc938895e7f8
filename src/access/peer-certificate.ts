import { timingSafeEqual } from "node:crypto";
import type { CertificatePattern } from "./token-file.ts";

/** What a client's certificate says about whose it is. */
export interface PeerCertificateText {
  readonly commonName: string;
  /** As Node prints it: `DNS:a.example, URI:spiffe://b`. */
  readonly alternativeNames: string;
  /** SHA-256 of the whole, 64 hex digits in lower case. */
  readonly fingerprint: string;
}

/** The parts of a TLS socket that are looked at. */
export interface PeerSocket {
  readonly authorized?: boolean;
  getPeerCertificate?(): {
    readonly subject?: { readonly CN?: string | readonly string[] };
    readonly subjectaltname?: string | undefined;
    readonly fingerprint256?: string;
  };
}

/** Undefined without a certificate, or with one that none of our authorities signed. */
export function peerCertificateOf(socket: PeerSocket): PeerCertificateText | undefined {
  if (socket.authorized !== true || socket.getPeerCertificate === undefined) return undefined;
  const { subject, subjectaltname = "", fingerprint256 } = socket.getPeerCertificate();
  if (fingerprint256 === undefined) return undefined;
  const name = subject?.CN ?? "";
  return {
    // Several names are none: a rule for one of them would let in who only added it.
    commonName: typeof name === "string" ? name : "",
    alternativeNames: subjectaltname,
    fingerprint: fingerprint256.replaceAll(":", "").toLowerCase(),
  };
}

export function fitsCertificate(
  { commonName, alternativeNames, fingerprint }: PeerCertificateText,
  pattern: CertificatePattern,
): boolean {
  const names = splitNames(alternativeNames);
  const fits = [
    pattern.commonName === undefined || pattern.commonName === commonName,
    pattern.dnsName === undefined || names.includes(`DNS:${pattern.dnsName}`),
    pattern.uri === undefined || names.includes(`URI:${pattern.uri}`),
    pattern.fingerprint === undefined ||
      timingSafeEqual(Buffer.from(pattern.fingerprint, "hex"), Buffer.from(fingerprint, "hex")),
  ];
  return fits.every(Boolean);
}

/** From the start or a comma on: a kind, and what is quoted or goes to the next comma. */
const namePattern = /(?:^|, ?)(\w[\w ]*):("(?:[^"\\]|\\.)*"|[^,]*)/g;

/** Names with commas or quotes come quoted, as JSON; they are read as such, never split. */
function splitNames(text: string): readonly string[] {
  const names: string[] = [];
  for (const [, kind = "", name = ""] of text.matchAll(namePattern)) {
    names.push(`${kind}:${name.startsWith('"') ? unquoted(name) : name}`);
  }
  return names;
}

function unquoted(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return "";
  }
}
