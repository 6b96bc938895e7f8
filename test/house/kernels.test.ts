import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { compileKernel, kernelModule } from "../../scripts/compile-kernel.ts";

test("the binaries of kernels are what their sources compile to", async () => {
  const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");
  const source = read("../../assembly/push-kernel.ts");
  const binary = await compileKernel("push-kernel.ts", source);
  const kept = read("../../src/kernels/push-kernel-binary.ts");
  assert.equal(kept, kernelModule("push-kernel", binary), "npm run kernels");
});
