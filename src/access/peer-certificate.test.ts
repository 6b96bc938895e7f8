import assert from "node:assert/strict";
import { test } from "node:test";
import { fitsCertificate } from "./peer-certificate.ts";

const certificate = (alternativeNames: string) => ({
  commonName: "c",
  alternativeNames,
  fingerprint: "ab".repeat(32),
});

const cases: readonly (readonly [names: string, dnsName: string, fits: boolean])[] = [
  ["DNS:a.example", "a.example", true],
  ["URI:spiffe://b, DNS:a.example", "a.example", true],
  ["IP Address:10.0.0.1, DNS:a.example", "a.example", true],
  ['DNS:"a.example, DNS:b.example"', "b.example", false],
  ['URI:"x, y", DNS:b.example', "b.example", true],
  ['URI:"x\\u0022, DNS:b.example"', "b.example", false],
  ["othername:x DNS:a.example", "a.example", false],
  ["", "a.example", false],
];

for (const [names, dnsName, fits] of cases) {
  test(`${names} ${fits ? "has" : "has not"} the name ${dnsName}`, () => {
    assert.equal(fitsCertificate(certificate(names), { dnsName }), fits);
  });
}

test("names without an end are read in linear time", () => {
  const before = process.threadCpuUsage();
  for (const names of ["a".repeat(100_000), "a ".repeat(50_000), ",a".repeat(50_000)]) {
    assert.equal(fitsCertificate(certificate(names), { dnsName: "a" }), false);
  }
  const { user, system } = process.threadCpuUsage(before);
  assert.ok(user + system < 500_000, `${user + system} µs`);
});
