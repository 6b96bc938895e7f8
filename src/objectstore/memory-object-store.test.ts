import { MemoryObjectStore } from "./memory-object-store.ts";
import { objectStoreContract } from "./object-store.contract.ts";

objectStoreContract("memory", async () => ({
  store: new MemoryObjectStore({ nowMs: () => 0 }),
  close: async () => undefined,
}));
