import ipaddr from "ipaddr.js";
import { PatternError } from "./pattern-error.ts";

/** An address as a number; the two families never mix, `::ffff:1.2.3.4` is IPv6. */
interface Address {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

/** Four decimal numbers up to 255 without leading zeros. */
const ipv4 = /^(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?!$)|$)){4}$/;

/**
 * A test for "is this text an address that the pattern covers?". The pattern is an address, a CIDR
 * block (host bits may be set) or a range `a-b`, IPv4 or IPv6. Text that is no address is not
 * covered. Throws PatternError.
 */
export function compileIpMatcher(pattern: string): (address: string) => boolean {
  const block = parseBlock(pattern);
  if (block === undefined)
    throw new PatternError(`ip: invalid pattern: ${JSON.stringify(pattern)}`);
  const { bits, from, to } = block;
  return (text) => {
    const address = parseAddress(text);
    if (address === undefined || address.bits !== bits) return false;
    return address.value >= from && address.value <= to;
  };
}

/** All addresses of one family from `from` to `to`, both included. */
interface AddressBlock {
  readonly bits: 32 | 128;
  readonly from: bigint;
  readonly to: bigint;
}

function parseBlock(pattern: string): AddressBlock | undefined {
  const dash = pattern.indexOf("-");
  if (dash >= 0) {
    const low = parseAddress(pattern.slice(0, dash));
    const high = parseAddress(pattern.slice(dash + 1));
    if (low === undefined || low.bits !== high?.bits || low.value > high.value) return undefined;
    return { bits: low.bits, from: low.value, to: high.value };
  }
  const slash = pattern.indexOf("/");
  if (slash < 0) {
    const single = parseAddress(pattern);
    return single && { bits: single.bits, from: single.value, to: single.value };
  }
  const base = parseAddress(pattern.slice(0, slash));
  const prefix = pattern.slice(slash + 1);
  if (base === undefined || !/^(?:0|[1-9][0-9]{0,2})$/.test(prefix)) return undefined;
  if (Number(prefix) > base.bits) return undefined;
  const hostBits = BigInt(base.bits - Number(prefix));
  const from = (base.value >> hostBits) << hostBits;
  return { bits: base.bits, from, to: from + (1n << hostBits) - 1n };
}

function parseAddress(text: string): Address | undefined {
  if (ipv4.test(text)) return { bits: 32, value: valueOf(text.split(".").map(Number)) };
  if (!text.includes(":") || text.includes("%") || !ipaddr.IPv6.isValid(text)) return undefined;
  return { bits: 128, value: valueOf(ipaddr.IPv6.parse(text).toByteArray()) };
}

function valueOf(bytes: readonly number[]): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
}
