import { messageOf, RequestError } from "#base";
import { ParseError, parseLogSelector } from "#logql";
import {
  parseRuleGroup,
  printRuleGroup,
  printRuleGroups,
  type Ruler,
  type RuleGroup,
  RuleYamlError,
} from "#ruler";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type Parameters, parametersOf } from "./parameters.ts";
import type { HttpPorts } from "./ports.ts";
import { sendPieces } from "./respond.ts";
import { route } from "./routing.ts";
import { alertsJson, groupsJson, type RuleFilter } from "./rules-json.ts";
import type { RouteFamily } from "./server.ts";
import { tenantOf } from "./tenants.ts";

/** What the routes need of the ruler. */
export type RulesPort = Pick<
  Ruler,
  "groups" | "put" | "removeGroup" | "removeNamespace" | "reports"
>;

const accepted = `{"status":"success","data":null,"errorType":"","error":""}`;
const jsonType = "application/json";

/** Reading and writing rules in YAML, and how they go in Prometheus' JSON. */
export function rulesRoutes(rules: RulesPort): RouteFamily {
  return (app: FastifyInstance, ports: HttpPorts) => {
    for (const prefix of ["/loki/api/v1/rules", "/api/prom/rules"]) {
      storedRoutes(app, prefix, { ports, rules });
    }
    route(app, ["GET"], "/prometheus/api/v1/rules", async (request, reply) => {
      const tenant = tenantOf(request, ports);
      const type = parametersOf(request).get("type");
      if (type !== "" && type !== "alert" && type !== "record") return refuseType(reply, type);
      return sendAs(reply, jsonType, groupsJson(rules.reports(tenant), filterOf(request, type)));
    });
    route(app, ["GET"], "/prometheus/api/v1/alerts", async (request, reply) => {
      return sendAs(reply, jsonType, alertsJson(rules.reports(tenantOf(request, ports))));
    });
  };
}

interface Parts {
  readonly ports: HttpPorts;
  readonly rules: RulesPort;
}

function storedRoutes(app: FastifyInstance, prefix: string, { ports, rules }: Parts): void {
  const list = async (request: FastifyRequest, reply: FastifyReply) => {
    const { namespace } = placeOf(request);
    const groups = await rules.groups(tenantOf(request, ports));
    const shown = groups.filter((placed) => namespace === "" || placed.namespace === namespace);
    if (shown.length === 0) throw new RequestError(404, "no rule groups found");
    return sendAs(reply, "application/yaml", printRuleGroups(shown));
  };
  route(app, ["GET"], prefix, list);
  route(app, ["GET", "POST", "DELETE"], `${prefix}/:namespace`, async (request, reply) => {
    const tenant = tenantOf(request, ports);
    const { namespace } = placeOf(request);
    if (request.method === "GET") return list(request, reply);
    if (request.method === "POST") {
      await rules.put(tenant, { namespace, group: groupOf(request.body) });
    } else await rules.removeNamespace(tenant, namespace);
    return sendAs(reply.code(202), jsonType, accepted);
  });
  route(app, ["GET", "DELETE"], `${prefix}/:namespace/:group`, async (request, reply) => {
    const tenant = tenantOf(request, ports);
    const { namespace, group } = placeOf(request);
    if (request.method === "DELETE") {
      await rules.removeGroup(tenant, namespace, group);
      return sendAs(reply.code(202), jsonType, accepted);
    }
    const found = (await rules.groups(tenant)).find(
      (placed) => placed.namespace === namespace && placed.group.name === group,
    );
    if (found === undefined) throw new RequestError(404, "group does not exist");
    return sendAs(reply, "application/yaml", printRuleGroup(found.group));
  });
}

function sendAs(reply: FastifyReply, type: string, body: string): Promise<FastifyReply> {
  return sendPieces(reply.header("Content-Type", type), body);
}

function placeOf(request: FastifyRequest): { namespace: string; group: string } {
  const { namespace = "", group = "" } = request.params as Record<string, string | undefined>;
  return { namespace, group };
}

/** Whatever the content type says, the body is YAML, which JSON is, too. */
function groupOf(body: unknown): RuleGroup {
  try {
    return parseRuleGroup(Buffer.isBuffer(body) ? body.toString("utf8") : "");
  } catch (error) {
    if (!(error instanceof RuleYamlError)) throw error;
    throw new RequestError(400, "unable to decoded rule group");
  }
}

function refuseType(reply: FastifyReply, type: string): Promise<FastifyReply> {
  const error = `unsupported rule type ${JSON.stringify(type)}`;
  const body = JSON.stringify({ status: "error", data: null, errorType: "bad_data", error });
  return sendAs(reply.code(400), jsonType, body);
}

function filterOf(request: FastifyRequest, type: RuleFilter["type"]): RuleFilter {
  const parameters = parametersOf(request);
  return {
    type,
    ruleNames: parameters.all("rule_name[]"),
    groupNames: parameters.all("rule_group[]"),
    files: parameters.all("file[]"),
    matches: matchesOf(parameters),
    excludeAlerts: parameters.get("exclude_alerts") === "true",
  };
}

/** Rules whose own labels fit one of the selectors. */
function matchesOf(parameters: Parameters): RuleFilter["matches"] {
  const selectors = parameters.all("match[]").map((text) => {
    try {
      return parseLogSelector(text).matchers;
    } catch (error) {
      if (error instanceof ParseError) throw new RequestError(400, messageOf(error));
      throw error;
    }
  });
  if (selectors.length === 0) return () => true;
  return (labels) =>
    selectors.some((matchers) => matchers.every(({ name, test }) => test(labels[name] ?? "")));
}
