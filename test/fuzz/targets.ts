/**
 * Every decoder that reads what others wrote, with what it may do: answer, or refuse in its way. A
 * function that reads and is in no target fails a test (coverage-of-decoders.test.ts).
 */
import { bucketTargets } from "./bucket-targets.ts";
import { commandTargets } from "./command-targets.ts";
import { documentTargets } from "./document-targets.ts";
import type { FuzzTarget } from "./fuzzer.ts";
import { journalTargets } from "./journal-targets.ts";
import { languageTargets } from "./language-targets.ts";
import { lineTargets } from "./line-targets.ts";
import { lokiTargets } from "./loki-targets.ts";
import { pushTargets } from "./push-targets.ts";
import { recordTargets } from "./record-targets.ts";
import { requestTargets } from "./request-targets.ts";
import { segmentTargets } from "./segment-targets.ts";

export const targets: readonly FuzzTarget[] = [
  ...pushTargets,
  ...journalTargets,
  ...segmentTargets,
  ...lokiTargets,
  ...bucketTargets,
  ...recordTargets,
  ...languageTargets,
  ...lineTargets,
  ...requestTargets,
  ...documentTargets,
  ...commandTargets,
];
