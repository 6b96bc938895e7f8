/** AssemblyScript (assemblyscript.org) to WebAssembly, and to a module of TypeScript that holds it. */

/** Of the files in assembly/, without their ending. */
export const kernelNames: readonly string[] = ["push-kernel", "byte-kernel"];

const options = ["--runtime", "stub", "-O3", "--noAssert", "--enable", "simd,bulk-memory"];
const lineLength = 92;

/** As much of the compiler as is used here; its own types would declare a `console` of theirs. */
interface Compiler {
  main(
    options: readonly string[],
    host: {
      readFile(name: string): string | null;
      writeFile(name: string, contents: Uint8Array | string): void;
      listFiles(): string[];
    },
  ): Promise<{ readonly error: Error | null; readonly stderr: { toString(): string } }>;
}

const compilerModule: string = "assemblyscript/asc";

/** Throws what the compiler says. */
export async function compileKernel(fileName: string, source: string): Promise<Uint8Array> {
  // Not at the top: only developers have it.
  const { default: compiler } = (await import(compilerModule)) as { readonly default: Compiler };
  let binary: Uint8Array | undefined;
  const { error, stderr } = await compiler.main([fileName, "--outFile", "out.wasm", ...options], {
    readFile: (name) => (name === fileName ? source : null),
    writeFile: (_name, contents) => {
      if (typeof contents !== "string") binary = contents;
    },
    listFiles: () => [],
  });
  if (error !== null || binary === undefined) throw new Error(`${stderr.toString()}${error}`);
  return binary;
}

/** The module src/kernels imports: text survives bundling, where a file beside the code would not. */
export function kernelModule(name: string, binary: Uint8Array): string {
  const text = Buffer.from(binary).toString("base64");
  const lines: string[] = [];
  for (let at = 0; at < text.length; at += lineLength) lines.push(text.slice(at, at + lineLength));
  const constant = `${name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())}Base64`;
  return `/** Compiled from assembly/${name}.ts by \`npm run kernels\`. */
export const ${constant}: string =
${lines.map((line) => `  "${line}"`).join(" +\n")};
`;
}
