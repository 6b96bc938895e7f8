import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { compileKernel, kernelModule, kernelNames } from "../../scripts/compile-kernel.ts";

for (const name of kernelNames) {
  test(`the binary of ${name} is what its source compiles to`, async () => {
    const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");
    const binary = await compileKernel(`${name}.ts`, read(`../../assembly/${name}.ts`));
    const kept = read(`../../src/kernels/${name}-binary.ts`);
    assert.equal(kept, kernelModule(name, binary), "npm run kernels");
  });
}
