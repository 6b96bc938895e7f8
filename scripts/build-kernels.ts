// `npm run kernels`: compiles assembly/*.ts to WebAssembly and writes it, as text, where src/ can import it. A test
// compiles again and compares.
import { readFile, writeFile } from "node:fs/promises";
import { compileKernel, kernelModule, kernelNames } from "./compile-kernel.ts";

for (const name of kernelNames) {
  const source = await readFile(new URL(`../assembly/${name}.ts`, import.meta.url), "utf8");
  const binary = await compileKernel(`${name}.ts`, source);
  await writeFile(
    new URL(`../src/kernels/${name}-binary.ts`, import.meta.url),
    kernelModule(name, binary),
  );
  console.log(`${name}: ${binary.length} bytes`);
}
