/** The parts of pprof's protobuf that its profiles have in common. */
import {
  Function as ProfiledFunction,
  Line,
  Location,
  Mapping,
  Profile,
  StringTable,
  ValueType,
} from "pprof-format";

/** All is in one program, whose functions and lines are known already. */
const programId = 1;

export interface Frame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

/** Functions and places once each, as pprof wants them; ids are from 1. */
export class PprofTables {
  readonly strings: StringTable = new StringTable();
  readonly functions: ProfiledFunction[] = [];
  readonly locations: Location[] = [];
  readonly #functionIds = new Map<string, number>();
  readonly #locationIds = new Map<string, number>();

  locationOf({ functionName, url, lineNumber }: Frame): number {
    const line = Math.max(0, lineNumber + 1);
    const name = functionName === "" ? "(anonymous)" : functionName;
    const key = `${name}\n${url}\n${line}`;
    const known = this.#locationIds.get(key);
    if (known !== undefined) return known;
    const id = this.locations.length + 1;
    const functionId = this.#functionOf(name, url, line);
    const lines = [new Line({ functionId, line })];
    this.locations.push(new Location({ id, mappingId: programId, line: lines }));
    this.#locationIds.set(key, id);
    return id;
  }

  valueType(type: string, unit: string): ValueType {
    return new ValueType({ type: this.strings.dedup(type), unit: this.strings.dedup(unit) });
  }

  #functionOf(name: string, url: string, startLine: number): number {
    const key = `${name}\n${url}\n${startLine}`;
    const known = this.#functionIds.get(key);
    if (known !== undefined) return known;
    const id = this.functions.length + 1;
    const text = this.strings.dedup(name);
    const filename = this.strings.dedup(url.replace(/^file:\/\//, ""));
    this.functions.push(
      new ProfiledFunction({ id, name: text, systemName: text, filename, startLine }),
    );
    this.#functionIds.set(key, id);
    return id;
  }
}

export function encoded(
  tables: PprofTables,
  rest: Pick<Profile, "sample" | "sampleType" | "period" | "timeNanos" | "durationNanos"> & {
    readonly periodType: ValueType;
  },
): Uint8Array {
  const { locations: location, functions, strings: stringTable } = tables;
  const program = new Mapping({
    id: programId,
    filename: stringTable.dedup("skald"),
    hasFunctions: true,
    hasFilenames: true,
    hasLineNumbers: true,
  });
  const all = { ...rest, mapping: [program], location, function: functions, stringTable };
  return new Profile(all).encode();
}
