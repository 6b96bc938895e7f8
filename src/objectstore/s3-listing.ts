/** Pages of a listing, by either version of ListObjects, as names in the bucket. */
import type { ListObjectsCommandOutput, ListObjectsV2CommandOutput } from "@aws-sdk/client-s3";
import { StoreError } from "#base";
import type { ObjectInfo } from "./object-store.ts";
import type { S3Calls } from "./s3-calls.ts";
import { isUnknownRequest } from "./s3-errors.ts";

/** S3's limit. */
const pageKeysMax = 1000;

export interface ListingPage {
  /** In byte order of names; `key` is the name. */
  readonly objects: readonly ObjectInfo[];
  /** With their delimiter at the end. */
  readonly prefixes: readonly string[];
  readonly isTruncated: boolean;
  /** Servers that are close to AWS's name each request. */
  readonly hasRequestId: boolean;
}

export interface ListingRequest {
  readonly bucket: string;
  readonly prefix: string;
  readonly startAfter: string;
  readonly delimiter: "/" | undefined;
  readonly signal: AbortSignal | undefined;
}

type Output = ListObjectsV2CommandOutput | ListObjectsCommandOutput;

/** Shared by all listings of a store; becomes 1 when the server turns out not to know 2. */
export interface ListVersion {
  number: 1 | 2;
}

export async function* listingPages(
  calls: S3Calls,
  version: ListVersion,
  request: ListingRequest,
): AsyncGenerator<ListingPage, void, undefined> {
  let token: string | undefined;
  let startAfter = request.startAfter;
  for (;;) {
    let output: Output | undefined;
    if (version.number === 2) output = await listTwo(calls, { ...request, startAfter }, token);
    if (output === undefined) {
      version.number = 1;
      output = await listOne(calls, request, startAfter);
    }
    const page = pageOf(output);
    yield page;
    if (!page.isTruncated) return;
    const last = page.objects.at(-1)?.key ?? "";
    const lastPrefix = page.prefixes.at(-1) ?? "";
    const marker = nextMarker(output) ?? (last > lastPrefix ? last : lastPrefix);
    token = "NextContinuationToken" in output ? output.NextContinuationToken : undefined;
    if (token === undefined && marker <= startAfter) {
      const what = `s3 list ${request.bucket}/${request.prefix}`;
      throw new StoreError("unavailable", `${what}: a page has a next one but not where it begins`);
    }
    startAfter = marker;
  }
}

function parameters(request: ListingRequest): object {
  const { bucket, prefix, delimiter } = request;
  return {
    Bucket: bucket,
    Prefix: prefix,
    MaxKeys: pageKeysMax,
    // Objects of others may have names that XML cannot hold.
    EncodingType: "url",
    ...(delimiter === undefined ? {} : { Delimiter: delimiter }),
  };
}

/** Undefined when the server does not know this version. */
function listTwo(
  calls: S3Calls,
  request: ListingRequest,
  token: string | undefined,
): Promise<ListObjectsV2CommandOutput | undefined> {
  const { bucket, prefix, startAfter, signal } = request;
  const input = {
    Bucket: bucket,
    ...parameters(request),
    ...(token !== undefined ? { ContinuationToken: token } : {}),
    ...(token === undefined && startAfter !== "" ? { StartAfter: startAfter } : {}),
  };
  const target = { operation: "ListObjectsV2", bucket, key: `${prefix}*`, signal };
  return calls.send(target, async (client, options) => {
    try {
      return await client.send(new calls.sdk.ListObjectsV2Command(input), options);
    } catch (error) {
      if (isUnknownRequest(error)) return undefined;
      throw error;
    }
  });
}

function listOne(
  calls: S3Calls,
  request: ListingRequest,
  startAfter: string,
): Promise<ListObjectsCommandOutput> {
  const { bucket, prefix, signal } = request;
  const input = {
    Bucket: bucket,
    ...parameters(request),
    ...(startAfter === "" ? {} : { Marker: startAfter }),
  };
  const target = { operation: "ListObjects", bucket, key: `${prefix}*`, signal };
  return calls.send(target, (client, options) =>
    client.send(new calls.sdk.ListObjectsCommand(input), options),
  );
}

function nextMarker(output: Output): string | undefined {
  if (!("NextMarker" in output) || output.NextMarker === undefined) return undefined;
  return decoderOf(output)(output.NextMarker);
}

function pageOf(output: Output): ListingPage {
  const decode = decoderOf(output);
  const objects: ObjectInfo[] = [];
  let isSorted = true;
  for (const { Key, Size, LastModified } of output.Contents ?? []) {
    if (Key === undefined) continue;
    const key = decode(Key);
    if (objects.length > 0 && objects.at(-1)!.key > key) isSorted = false;
    objects.push({ key, sizeBytes: Size ?? 0, modifiedMs: LastModified?.getTime() ?? 0 });
  }
  // Some small servers list folder by folder, in which '-' comes after '/'.
  if (!isSorted) objects.sort((left, right) => (left.key < right.key ? -1 : 1));
  const prefixes = (output.CommonPrefixes ?? [])
    .map(({ Prefix }) => decode(Prefix ?? ""))
    .filter((prefix) => prefix !== "");
  return {
    objects,
    prefixes,
    isTruncated: output.IsTruncated ?? false,
    hasRequestId: output.$metadata.requestId !== undefined,
  };
}

function decoderOf(output: Output): (text: string) => string {
  if (output.EncodingType !== "url") return (text) => text;
  return (text) => {
    try {
      return decodeURIComponent(text.replaceAll("+", " "));
    } catch {
      return text;
    }
  };
}
