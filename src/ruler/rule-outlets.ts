/** Where results of rules go. */
import type { OutgoingAlert, OutgoingSample } from "./rule-context.ts";

export interface RuleOutlets {
  /** Queues alerts for the Alertmanagers; never waits for them. */
  notify(tenant: string, alerts: readonly OutgoingAlert[]): void;
  /** Whether the tenant has somewhere to write samples to. */
  writesSamples(tenant: string): boolean;
  /** Durable when resolved. Throws StoreError when it cannot be made so. */
  write(tenant: string, samples: readonly OutgoingSample[]): Promise<void>;
}
