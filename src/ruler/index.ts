/** Rules: alerts and recorded series from LogQL, evaluated at exact moments. */
export type { ActiveAlert, AlertState } from "./active-alert.ts";
export { AlertStateStore } from "./alert-state.ts";
export { AlertingRule } from "./alerting-rule.ts";
export { CombinedRuleStore, FileRuleStore } from "./file-rule-store.ts";
export {
  GroupEvaluator,
  type GroupObserver,
  type GroupOptions,
  type RuleReport,
} from "./group-evaluator.ts";
export { type AlertRoute, Notifier, type NotifierOptions } from "./notifier.ts";
export { ObjectRuleStore } from "./object-rule-store.ts";
export {
  authorization,
  type OutgoingAnswer,
  type OutgoingRequest,
  type PostHttp,
  type TlsFiles,
} from "./outgoing-http.ts";
export { pageUrl } from "./page-url.ts";
export { RecordingRule } from "./recording-rule.ts";
export { type RelabelRule, relabelRule } from "./relabel.ts";
export {
  type RemoteWriteClient,
  RemoteWriter,
  type RemoteWriterOptions,
} from "./remote-writer.ts";
export type {
  OutgoingAlert,
  OutgoingSample,
  RuleContext,
  RuleEvaluation,
} from "./rule-context.ts";
export { parseRuleDuration, printRuleDuration } from "./rule-duration.ts";
export type { TemplateSample } from "./rule-functions.ts";
export {
  isAlerting,
  type PlacedGroup,
  type Rule,
  type RuleGroup,
  ruleIdentity,
  ruleName,
} from "./rule-group.ts";
export type { RuleOutlets } from "./rule-outlets.ts";
export { engineRuleQueries, type RuleQueries } from "./rule-queries.ts";
export type { RuleHealth, RunningRule, RuleOutcome } from "./rule-state.ts";
export type { ReportProblem, RuleStore } from "./rule-store.ts";
export {
  parseRuleFile,
  parseRuleGroup,
  parseRuleGroups,
  printRuleFile,
  printRuleGroup,
  printRuleGroups,
  type RuleFile,
  RuleYamlError,
} from "./rule-yaml.ts";
export {
  type GroupReport,
  Ruler,
  type RulerOptions,
  type RulerSettings,
  type RulerStatus,
} from "./ruler.ts";
export { validateGroups } from "./validate-group.ts";
