/** WebAssembly modules without imports. */

export interface KernelMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

export interface KernelGlobal {
  readonly value: number;
}

/** What is used of the WebAssembly JavaScript Interface (w3.org/TR/wasm-js-api-2). */
interface WebAssemblyApi {
  readonly Module: new (binary: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

/** `Exports` is what the module's source says it exports. */
export function instantiate<Exports>(binaryBase64: string): Exports {
  // Node has it; the types of Node leave it to those of browsers.
  const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: WebAssemblyApi };
  const module = new WebAssembly.Module(Buffer.from(binaryBase64, "base64"));
  return new WebAssembly.Instance(module).exports as Exports;
}
