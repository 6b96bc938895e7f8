import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { ask, askJson, reasonOf } from "../api/client.ts";
import { visit } from "../state/location.ts";
import "../overview/overview.css";

interface Facts {
  readonly version: string;
  readonly runtime: string;
  readonly services: readonly (readonly [name: string, state: string])[];
}

async function askFacts(): Promise<Facts> {
  const build = await askJson<{ version: string; goVersion: string }>(
    "loki/api/v1/status/buildinfo",
  );
  const text = await (await ask("services")).text();
  const services = text
    .trim()
    .split("\n")
    .map((line): readonly [string, string] => {
      const [name = "", state = ""] = line.split(" => ");
      return [name, state];
    });
  return { version: build.version, runtime: build.goVersion, services };
}

/** What the process says about itself. */
export function StatusView(): JSX.Element {
  const facts = useSignal<Facts | undefined>(undefined);
  const failure = useSignal("");
  useEffect(() => {
    askFacts().then(
      (found) => (facts.value = found),
      (error: unknown) => (failure.value = reasonOf(error)),
    );
  }, [visit.value]);
  return (
    <div class="status">
      <h1>Status</h1>
      {failure.value !== "" && (
        <p class="note failure" role="alert">
          {failure.value}
        </p>
      )}
      {facts.value !== undefined && (
        <table class="table panel">
          <tbody>
            <tr>
              <th scope="row">Version</th>
              <td>
                {facts.value.version} ({facts.value.runtime})
              </td>
            </tr>
            {facts.value.services.map(([name, state]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>{state}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}
