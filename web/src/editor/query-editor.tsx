// The editor of a query: CodeMirror with LogQL. Enter makes a line, Shift-Enter or Ctrl-Enter runs.
import { closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { bracketMatching } from "@codemirror/language";
import { type Diagnostic, setDiagnostics } from "@codemirror/lint";
import { EditorState, type Extension, Prec, type Text } from "@codemirror/state";
import { drawSelection, EditorView, keymap, placeholder } from "@codemirror/view";
import { effect, type Signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { errorPosition } from "../logql/query-text.ts";
import { logqlLanguage } from "./language.ts";
import "./query-editor.css";

export interface QueryEditorProps {
  /** The text: written by the editor, and followed by it when others write. Must not change. */
  readonly text: Signal<string>;
  readonly onRun: () => void;
  /** What the server said of this text; underlined where it names a position. */
  readonly failure: string;
  /** Completion and what else a view adds; must not change. */
  readonly extensions: Extension;
}

export function QueryEditor(props: QueryEditorProps): JSX.Element {
  const { failure } = props;
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(undefined);
  const latest = useRef(props);
  latest.current = props;
  useEffect(() => {
    const editor = createEditor(host.current!, latest);
    view.current = editor;
    // A signal's effect runs at once: the text of a moment before never overwrites what is being typed.
    const stop = effect(() => follow(editor, latest.current.text.value));
    return () => {
      stop();
      editor.destroy();
    };
  }, []);
  useEffect(() => {
    const editor = view.current;
    if (editor === undefined) return;
    editor.dispatch(setDiagnostics(editor.state, diagnosticsOf(failure, editor.state.doc)));
  }, [failure]);
  return <div class="query-editor" ref={host} />;
}

function follow(editor: EditorView, text: string): void {
  const { doc, selection } = editor.state;
  if (doc.toString() === text) return;
  const anchor = Math.min(selection.main.anchor, text.length);
  editor.dispatch({ changes: { from: 0, to: doc.length, insert: text }, selection: { anchor } });
}

interface Latest {
  readonly current: QueryEditorProps;
}

function createEditor(host: HTMLElement, latest: Latest): EditorView {
  const run = (): boolean => {
    latest.current.onRun();
    return true;
  };
  const leave = (editor: EditorView): boolean => {
    editor.contentDOM.blur();
    return true;
  };
  const runKeys = keymap.of([
    { key: "Shift-Enter", run },
    { key: "Mod-Enter", run },
    { key: "Ctrl-Enter", run },
  ]);
  return new EditorView({
    parent: host,
    doc: latest.current.text.peek(),
    extensions: [
      Prec.highest(runKeys),
      latest.current.extensions,
      EditorView.cspNonce.of(styleNonce()),
      history(),
      drawSelection(),
      bracketMatching(),
      closeBrackets(),
      logqlLanguage(),
      EditorState.tabSize.of(2),
      EditorView.lineWrapping,
      EditorView.contentAttributes.of({ "aria-label": "LogQL query", spellcheck: "false" }),
      placeholder('{app="shop"} |= "error"'),
      keymap.of([
        ...closeBracketsKeymap,
        ...completionKeymap,
        ...defaultKeymap,
        ...historyKeymap,
        { key: "Escape", run: leave },
      ]),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) latest.current.text.value = update.state.doc.toString();
      }),
    ],
  });
}

/** The policy of the page lets only styles with this mark be added. */
function styleNonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? "";
}

/** From the position the message names to the end of the word there; nothing without a position. */
function diagnosticsOf(message: string, doc: Text): Diagnostic[] {
  const position = errorPosition(message);
  if (position === undefined || position.line > doc.lines) return [];
  const line = doc.line(position.line);
  const at = Math.min(line.from + position.column - 1, line.to);
  const word = /^(?:[\w.]+|\S)/.exec(doc.sliceString(at, line.to))?.[0] ?? "";
  // At the end of the text there is nothing to underline but what stands before it.
  const from = word === "" ? Math.max(line.from, at - 1) : at;
  const to = Math.min(Math.max(at + word.length, from + 1), doc.length);
  return [{ from: Math.min(from, to), to, severity: "error", message }];
}
