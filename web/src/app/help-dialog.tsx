import type { JSX } from "preact";
import { isHelpOpen, shortcuts } from "../state/shortcuts.ts";
import { Dialog } from "./dialog.tsx";

/** Lists the keys that work now, those of the editor among them. */
export function HelpDialog(): JSX.Element | null {
  if (!isHelpOpen.value) return null;
  return (
    <Dialog title="Keyboard shortcuts" onClose={() => (isHelpOpen.value = false)}>
      <dl class="help-list">
        {shortcuts.value.map(({ keys, does }) => (
          <>
            <dt>
              {keys.split(" ").map((key) => (
                <>
                  <kbd>{key}</kbd>{" "}
                </>
              ))}
            </dt>
            <dd>{does}</dd>
          </>
        ))}
        <dt>
          <kbd>Shift+Enter</kbd>
        </dt>
        <dd>In the editor: run the query (Ctrl+Enter does the same)</dd>
        <dt>
          <kbd>Ctrl+Space</kbd>
        </dt>
        <dd>In the editor: show completions</dd>
        <dt>
          <kbd>Esc</kbd>
        </dt>
        <dd>Close what is open; in the editor: leave it</dd>
      </dl>
    </Dialog>
  );
}
