/** Who asks, what that may be, what was done; and the certificates of our listeners. */
export { AttemptLimiter } from "./attempt-limiter.ts";
export { Audit, type AuditEvent } from "./audit.ts";
export { Authenticator, type Claim, type Identity, type LoginObserver } from "./authenticator.ts";
export {
  type PeerCertificateText,
  peerCertificateOf,
  type PeerSocket,
} from "./peer-certificate.ts";
export { mayActFor, type Principal, type Right, rightNames } from "./principal.ts";
export {
  hashPassword,
  hashToken,
  isPassword,
  newToken,
  parseSecretHash,
  printSecretHash,
} from "./secret-hash.ts";
export { type PemSource, ServerTls, type ServerTlsConfig } from "./server-tls.ts";
export { Sessions } from "./sessions.ts";
export {
  cipherListOf,
  type ClientAuthType,
  clientAuthTypes,
  type TlsVersion,
  tlsVersions,
} from "./tls-names.ts";
export { TokenBook } from "./token-book.ts";
export { type Credential, parseTokenFile } from "./token-file.ts";
