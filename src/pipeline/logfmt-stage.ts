import type { LogfmtStage, ParserParameter } from "#logql";
import { fieldName, type KeyName, KeyNames } from "./key-names.ts";
import { LogfmtPairs } from "./logfmt-scan.ts";
import type { RowStage, RowState } from "./row-state.ts";
import { type LabelNeeds, WantedLabels } from "./wanted-labels.ts";
import { utf8Text } from "./bytes-text.ts";

const logfmtParserError = "LogfmtParserErr";

/** `| logfmt`, all keys. */
export function compileLogfmt(stage: LogfmtStage, wanted: WantedLabels): RowStage {
  const pairs = new LogfmtPairs();
  const keys = new KeyNames(wanted);
  const { strict, keepEmpty } = stage;
  const { stopAfterCount } = wanted;
  const unwantedStarts = wanted.unwantedStarts();
  return (row) => {
    pairs.start(row.lineBuffer, row.lineFrom, row.lineTo);
    const { buffer } = pairs;
    let previous: KeyName | undefined;
    let foundCount = 0;
    while (pairs.next()) {
      if (pairs.problem === "") checkKey(pairs);
      if (pairs.problem !== "") {
        if (!strict) continue;
        row.setParserError(logfmtParserError, pairs.problem);
        return true;
      }
      if (pairs.keyTo > pairs.keyFrom && unwantedStarts[buffer[pairs.keyFrom]!] === 1) continue;
      const key = keys.of(buffer, pairs.keyFrom, pairs.keyTo, undefined, previous);
      previous = key;
      const { valueFrom, valueTo } = pairs;
      if (!key.isWanted || (valueFrom === valueTo && !keepEmpty)) continue;
      const kind = pairs.isValueEscaped ? "logfmt" : "raw";
      const name = fieldName(key, row.base, row.index);
      if (!row.addField(name, kind, buffer, valueFrom, valueTo) || name !== key.name) continue;
      if (++foundCount >= stopAfterCount) return true;
    }
    return true;
  };
}

function checkKey(pairs: LogfmtPairs): void {
  if (pairs.isKeyAscii) return;
  const key = utf8Text(pairs.buffer, pairs.keyFrom, pairs.keyTo);
  if (key.includes("\ufffd")) pairs.rejectKey();
}

/**
 * `| logfmt name="key", …`: only these keys; the last of several equal keys wins, a missing one
 * gives an empty label. The reference also takes a key that is called like one of the names; so do
 * we.
 */
export function compileLogfmtParameters(stage: LogfmtStage, needs: LabelNeeds): RowStage {
  const parameters = stage.parameters;
  const nameOfKey = new Map<string, string>();
  for (const { name } of parameters) nameOfKey.set(name, name);
  for (const { name, path } of parameters) nameOfKey.set(path, name);
  const pairs = new LogfmtPairs();
  const keys = new KeyNames(new WantedLabels(new Set(nameOfKey.keys()), { mayStop: false }));
  const names = wantedNames(parameters, needs);
  return (row) => {
    pairs.start(row.lineBuffer, row.lineFrom, row.lineTo);
    const { buffer } = pairs;
    const firstOwn = row.count;
    let previous: KeyName | undefined;
    while (pairs.next()) {
      if (pairs.problem === "") checkKey(pairs);
      if (pairs.problem !== "") {
        if (!stage.strict) continue;
        row.setParserError(logfmtParserError, pairs.problem);
        break;
      }
      const key = keys.of(buffer, pairs.keyFrom, pairs.keyTo, undefined, previous);
      previous = key;
      if (!key.isWanted) continue;
      const name = nameOfKey.get(key.name);
      if (name === undefined) continue;
      const kind = pairs.isValueEscaped ? "logfmt" : "raw";
      // The last one wins, but under `_extracted` the first.
      const field = row.fieldName(name);
      const replaceFrom = field === name ? firstOwn : undefined;
      row.addField(field, kind, buffer, pairs.valueFrom, pairs.valueTo, replaceFrom);
    }
    addMissing(row, names);
    return true;
  };
}

/** Names of the parameters that somebody reads. */
export function wantedNames(parameters: readonly ParserParameter[], needs: LabelNeeds): string[] {
  const wanted = new WantedLabels(needs, { mayStop: false });
  const names = new Set(parameters.map(({ name }) => name));
  return [...names].filter((name) => wanted.has(name));
}

/** Parameters that found nothing give an empty label, unless there is a label of the name. */
export function addMissing(row: RowState, names: readonly string[]): void {
  for (const name of names) {
    if (row.plainLabel(name) === undefined) row.addFieldText(row.fieldName(name), "");
  }
}
