/** LogQL: text → syntax tree → text. */
export type * from "./ast.ts";
