import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import "./popover.css";

interface PopoverProps {
  /** What stands on the button. */
  readonly button: ComponentChildren;
  /** Says what the button is for, with what it is set to. */
  readonly label: string;
  readonly title?: string;
  /** The content; `close` closes it and gives the focus back. */
  readonly children: (close: () => void) => ComponentChildren;
}

/** A button that unfolds a panel below it; Escape and a click elsewhere close it. */
export function Popover({ button, label, title, children }: PopoverProps): JSX.Element {
  const isOpen = useSignal(false);
  const host = useRef<HTMLDivElement>(null);
  const panelId = useId();
  const close = (): void => {
    isOpen.value = false;
    host.current?.querySelector("button")?.focus();
  };
  useEffect(() => {
    if (!isOpen.value) return undefined;
    const onPointer = (event: PointerEvent): void => {
      if (event.target instanceof Node && host.current?.contains(event.target)) return;
      isOpen.value = false;
    };
    document.addEventListener("pointerdown", onPointer);
    return () => document.removeEventListener("pointerdown", onPointer);
  }, [isOpen.value]);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || !isOpen.value) return;
    event.stopPropagation();
    close();
  };
  return (
    <div class="popover" ref={host} onKeyDown={onKeyDown}>
      <button
        type="button"
        class="button"
        aria-label={label}
        aria-expanded={isOpen.value}
        aria-controls={panelId}
        title={title}
        onClick={() => (isOpen.value = !isOpen.value)}
      >
        {button}
      </button>
      {isOpen.value && (
        <div class="popover-panel" id={panelId} role="group" aria-label={label}>
          {children(close)}
        </div>
      )}
    </div>
  );
}
