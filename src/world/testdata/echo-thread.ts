import { serveThread } from "#world";

serveThread((work) => {
  if (work === "fail") throw new Error("asked to fail");
  if (work === "die") process.exit(3);
  return { result: `echo ${String(work)}`, transfer: [] };
});
