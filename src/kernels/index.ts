/** Hot loops over bytes in WebAssembly. Whoever uses them has a plain way for what they refuse. */
export { ByteKernel } from "./byte-kernel.ts";
export { type KernelEntries, type LevelTables, PushKernel } from "./push-kernel.ts";
