/** Rule groups of a server, through Loki's rules API. */
import { messageOf } from "#base";
import { parseRuleGroups, type PlacedGroup, printRuleGroup, type RuleGroup } from "#ruler";
import { CliError } from "./cli-error.ts";
import { type HttpClient, RequestFailure } from "./http-client.ts";

const rulesPath = "/loki/api/v1/rules";

export async function readServerRules(client: HttpClient): Promise<PlacedGroup[]> {
  let text: string;
  try {
    text = await client.send({ method: "GET", path: rulesPath });
  } catch (error) {
    // Loki says so when there is nothing yet; other 404s are of servers without a rules API.
    const isEmpty = error instanceof RequestFailure && /no rule groups/i.test(error.message);
    if (isEmpty && error.status === 404) return [];
    throw error;
  }
  try {
    return parseRuleGroups(text);
  } catch (error) {
    throw new CliError(`the server's answer is not Loki's: ${messageOf(error)}`);
  }
}

export async function writeServerGroup(client: HttpClient, placed: PlacedGroup): Promise<void> {
  await client.send({
    method: "POST",
    path: `${rulesPath}/${segment(placed.namespace)}`,
    headers: { "Content-Type": "application/yaml" },
    body: Buffer.from(printRuleGroup(placed.group)),
  });
}

export async function deleteServerGroup(
  client: HttpClient,
  { namespace, group }: { readonly namespace: string; readonly group: Pick<RuleGroup, "name"> },
): Promise<void> {
  const path = [namespace, group.name].map(segment).join("/");
  await client.send({ method: "DELETE", path: `${rulesPath}/${path}` });
}

/** Of a path. What URLs take for folders would name something else. */
function segment(name: string): string {
  if (/^\.{0,2}$/.test(name)) {
    throw new CliError(`the rules API cannot name a namespace or group ${JSON.stringify(name)}`);
  }
  return encodeURIComponent(name);
}
