/**
 * Loki's short form of an S3 store: `s3://region/bucket` or `s3://key:secret@host/bucket`. A host
 * with a dot or a port is an endpoint, spoken to by http as Loki does (AWS's own by https); any
 * other host is the name of a region. Key and secret are percent-encoded.
 */
import { StoreError } from "#base";
import type { S3Keys } from "./s3-options.ts";

export interface S3Url {
  readonly keys?: S3Keys;
  readonly region?: string;
  /** A URL without path. */
  readonly endpoint?: string;
  /** Empty when the URL has none. */
  readonly bucket: string;
  /** `inmemory:///bucket`: objects are kept in memory. */
  readonly isInMemory: boolean;
}

/** Throws `denied`; the text shows nothing of the user part, where the secret is. */
export function parseS3Url(text: string): S3Url {
  const match = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(text.trim());
  if (match === null) throw refused("it does not begin with s3://");
  const [, scheme, rest] = match as unknown as [string, string, string];
  const isInMemory = scheme.toLowerCase() === "inmemory";
  if (!isInMemory && scheme.toLowerCase() !== "s3") {
    throw refused("it does not begin with s3://");
  }
  const { user, host, path } = split(rest);
  if (user !== undefined && host === "") throw refused("it has keys but no host");
  const bucket = decoded(path.replace(/[?#].*$/s, ""), "bucket").replace(/^\/+|\/+$/g, "");
  if (bucket.includes("/")) throw refused("its path is more than the name of a bucket");
  return { ...keysOf(user), ...placeOf(host), bucket, isInMemory };
}

function split(rest: string): { user: string | undefined; host: string; path: string } {
  const slash = rest.indexOf("/");
  const authority = slash < 0 ? rest : rest.slice(0, slash);
  const path = slash < 0 ? "" : rest.slice(slash);
  if (path.includes("@")) {
    throw refused("'/' in a key or secret must be written %2F, '@' as %40");
  }
  const at = authority.lastIndexOf("@");
  if (at < 0 && /^[^[].*:(?!\d{0,5}$)/.test(authority)) {
    throw refused("'/' in a key or secret must be written %2F");
  }
  return {
    user: at < 0 ? undefined : authority.slice(0, at),
    host: authority.slice(at + 1),
    path,
  };
}

function keysOf(user: string | undefined): { keys?: S3Keys } {
  if (user === undefined || user === "" || user === ":") return {};
  const colon = user.indexOf(":");
  const accessKeyId = decoded(colon < 0 ? user : user.slice(0, colon), "access key");
  const secretAccessKey = decoded(colon < 0 ? "" : user.slice(colon + 1), "secret key");
  if (accessKeyId === "" || secretAccessKey === "") {
    throw refused("it needs both an access key and a secret key, or neither");
  }
  return { keys: { accessKeyId, secretAccessKey } };
}

function placeOf(host: string): { region?: string; endpoint?: string } {
  if (host === "") return {};
  if (!/^[A-Za-z0-9._-]+(?::\d{1,5})?$|^\[[0-9A-Fa-f:.]+\](?::\d{1,5})?$/.test(host)) {
    throw refused("its host is none");
  }
  if (!/[.:]/.test(host)) return { region: host };
  const isAws = /\.amazonaws\.com(\.cn)?(:443)?$/i.test(host);
  return { endpoint: `${isAws ? "https" : "http"}://${host}`, ...regionOfAwsHost(host) };
}

/** The region that the name of one of AWS's endpoints tells. */
export function regionOfAwsHost(host: string): { region?: string } {
  const match =
    /(?:^|\.)s3[.-](?:dualstack\.|fips\.)?([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com/i.exec(host);
  return match?.[1] === undefined ? {} : { region: match[1].toLowerCase() };
}

function decoded(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refused(`its ${what} has a '%' that is no escape; write it %25`);
  }
}

function refused(why: string): StoreError {
  const shape = "s3://region/bucket or s3://key:secret@host/bucket";
  return new StoreError(
    "denied",
    `the S3 URL is refused: ${why} (${shape}, key and secret escaped)`,
  );
}
