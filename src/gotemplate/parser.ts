/** Tokens → nodes, with the complaints of Go's text/template/parse. */

import { GoParseError, quoteGoString } from "#gofmt";
import { parseCharacter, parseNumber, unquoteString } from "./constants.ts";
import { describeToken, Lexer, type Token, type TokenKind } from "./lexer.ts";
import { argumentCountMax, nestingMax } from "./limits.ts";
import {
  type Command,
  type Definitions,
  type Node,
  type Operand,
  operandText,
  type Pipeline,
  type Variable,
} from "./nodes.ts";
import { TemplateError } from "./template-error.ts";

export interface ParseOptions {
  readonly name: string;
  readonly hasFunction: (name: string) => boolean;
}

/** How a list of nodes ended. */
type ListEnd = { readonly kind: "else" | "end"; readonly at: number };

function isListEnd(node: Node | ListEnd): node is ListEnd {
  return node.kind === "end" || node.kind === "else";
}

const operandKinds: ReadonlySet<TokenKind> = new Set<TokenKind>([
  "bool",
  "charConstant",
  "field",
  "identifier",
  "number",
  "rawString",
  "string",
  "variable",
  "leftParen",
]);

/** Throws TemplateError. */
export function parseTemplate(text: string, options: ParseOptions): Definitions {
  return new Parser(text, options).parse();
}

class Parser {
  readonly #options: ParseOptions;
  readonly #lexer: Lexer;
  readonly #definitions = new Map<string, readonly Node[]>();
  /** Tokens read ahead, the next one last. */
  readonly #pushedBack: Token[] = [];
  #line = 1;
  #actionLine = 0;
  #variables: string[] = ["$"];
  #rangeDepth = 0;
  #nesting = 0;

  constructor(text: string, options: ParseOptions) {
    this.#lexer = new Lexer(text);
    this.#options = options;
  }

  parse(): Definitions {
    const root: Node[] = [];
    while (this.#peek().kind !== "eof") {
      if (this.#peek().kind === "leftDelimiter") {
        const delimiter = this.#next();
        const keyword = this.#nextNonSpace();
        if (isKeyword(keyword, "define")) {
          this.#parseDefinition();
          continue;
        }
        this.#pushedBack.push(keyword, delimiter);
      }
      const node = this.#textOrAction();
      if (isListEnd(node)) this.#fail(`unexpected {{${node.kind}}}`);
      root.push(node);
    }
    this.#define(this.#options.name, root);
    if (!this.#definitions.has(this.#options.name)) {
      this.#definitions.set(this.#options.name, root);
    }
    return this.#definitions;
  }

  #next(): Token {
    const pushed = this.#pushedBack.pop();
    if (pushed !== undefined) return pushed;
    const token = this.#lexer.next();
    this.#line = token.line;
    return token;
  }

  #peek(): Token {
    const token = this.#next();
    this.#pushedBack.push(token);
    return token;
  }

  #nextNonSpace(): Token {
    let token = this.#next();
    while (token.kind === "space") token = this.#next();
    return token;
  }

  #peekNonSpace(): Token {
    const token = this.#nextNonSpace();
    this.#pushedBack.push(token);
    return token;
  }

  #fail(message: string): never {
    throw new TemplateError(`template: ${this.#options.name}:${this.#line}: ${message}`);
  }

  #unexpected(token: Token, context: string): never {
    if (token.kind === "error") {
      const isElsewhere = this.#actionLine !== 0 && this.#actionLine !== token.line;
      const started = ` started at ${this.#options.name}:${this.#actionLine}`;
      const place = token.text.endsWith(" action") ? started : ` in action${started}`;
      this.#fail(token.text + (isElsewhere ? place : ""));
    }
    this.#fail(`unexpected ${describeToken(token)} in ${context}`);
  }

  #expect(kind: TokenKind, context: string): Token {
    const token = this.#nextNonSpace();
    if (token.kind !== kind) this.#unexpected(token, context);
    return token;
  }

  /** The complaints of constants, at the current line. */
  #constant<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (error instanceof GoParseError) this.#fail(error.message);
      throw error;
    }
  }

  #nested<T>(parse: () => T): T {
    this.#nesting++;
    if (this.#nesting > nestingMax) this.#fail(`nested deeper than ${nestingMax} levels`);
    try {
      return parse();
    } finally {
      this.#nesting--;
    }
  }

  /** A body of nothing but blanks does not replace an earlier one. */
  #define(name: string, nodes: readonly Node[]): void {
    const known = this.#definitions.get(name);
    if (known === undefined || isEmptyList(known)) this.#definitions.set(name, nodes);
    else if (!isEmptyList(nodes)) {
      const quoted = quoteGoString(name, { asciiOnly: false });
      this.#fail(`template: multiple definition of template ${quoted}`);
    }
  }

  /** Parses in a scope of its own variables, as each template has. */
  #ownScope(parse: () => void): void {
    const { variables, rangeDepth } = { variables: this.#variables, rangeDepth: this.#rangeDepth };
    this.#variables = ["$"];
    this.#rangeDepth = 0;
    this.#nested(parse);
    this.#variables = variables;
    this.#rangeDepth = rangeDepth;
  }

  #parseDefinition(): void {
    const context = "define clause";
    this.#ownScope(() => {
      const token = this.#nextNonSpace();
      const name = this.#templateName(token, context);
      this.#expect("rightDelimiter", context);
      const { nodes, end } = this.#list();
      if (end.kind !== "end") this.#fail(`unexpected {{${end.kind}}} in ${context}`);
      this.#define(name, nodes);
    });
  }

  #list(): { nodes: readonly Node[]; end: ListEnd } {
    const nodes: Node[] = [];
    while (this.#peekNonSpace().kind !== "eof") {
      const node = this.#textOrAction();
      if (isListEnd(node)) return { nodes, end: node };
      nodes.push(node);
    }
    this.#fail("unexpected EOF");
  }

  #textOrAction(): Node | ListEnd {
    const token = this.#nextNonSpace();
    if (token.kind === "text") return { kind: "text", text: token.text, at: token.at };
    if (token.kind !== "leftDelimiter") this.#unexpected(token, "input");
    this.#actionLine = token.line;
    const node = this.#action();
    this.#actionLine = 0;
    return node;
  }

  #action(): Node | ListEnd {
    const token = this.#nextNonSpace();
    if (token.kind === "keyword") {
      switch (token.text) {
        case "block":
          return this.#block();
        case "break":
        case "continue":
          return this.#loopControl(token.text, token.at);
        case "else":
          return this.#else();
        case "end":
          return { kind: "end", at: this.#expect("rightDelimiter", "end").at };
        case "if":
        case "range":
        case "with":
          return this.#control(token.text);
        case "template":
          return this.#templateCall();
        default:
          break;
      }
    }
    this.#pushedBack.push(token);
    const pipeline = this.#pipeline("command", "rightDelimiter");
    return { kind: "action", pipeline, at: pipeline.at };
  }

  #loopControl(kind: "break" | "continue", at: number): Node {
    const token = this.#nextNonSpace();
    if (token.kind !== "rightDelimiter") this.#unexpected(token, `{{${kind}}}`);
    if (this.#rangeDepth === 0) this.#fail(`{{${kind}}} outside {{range}}`);
    return { kind, at };
  }

  /** `else if` and `else with` leave their keyword to the caller. */
  #else(): ListEnd {
    const peeked = this.#peekNonSpace();
    if (isKeyword(peeked, "if") || isKeyword(peeked, "with"))
      return { kind: "else", at: peeked.at };
    return { kind: "else", at: this.#expect("rightDelimiter", "else").at };
  }

  #control(kind: "if" | "range" | "with"): Node {
    return this.#nested(() => {
      const scope = this.#variables.length;
      const pipeline = this.#pipeline(kind, "rightDelimiter");
      if (kind === "range") this.#rangeDepth++;
      const { nodes: body, end } = this.#list();
      if (kind === "range") this.#rangeDepth--;
      const otherwise = end.kind === "else" ? this.#otherwise(kind) : undefined;
      this.#variables.length = scope;
      return { kind, pipeline, body, otherwise, at: pipeline.at };
    });
  }

  #otherwise(kind: "if" | "range" | "with"): readonly Node[] {
    // `{{else if x}}…{{end}}` is `{{else}}{{if x}}…{{end}}{{end}}` with one end less.
    if (kind !== "range" && isKeyword(this.#peek(), kind)) {
      this.#next();
      return [this.#control(kind)];
    }
    const { nodes, end } = this.#list();
    if (end.kind !== "end") this.#fail(`expected end; found {{${end.kind}}}`);
    return nodes;
  }

  #block(): Node {
    const context = "block clause";
    const token = this.#nextNonSpace();
    const name = this.#templateName(token, context);
    const pipeline = this.#pipeline(context, "rightDelimiter");
    this.#ownScope(() => {
      const { nodes, end } = this.#list();
      if (end.kind !== "end") this.#fail(`unexpected {{${end.kind}}} in ${context}`);
      this.#define(name, nodes);
    });
    return { kind: "template", name, pipeline, at: token.at };
  }

  #templateCall(): Node {
    const context = "template clause";
    const token = this.#nextNonSpace();
    const name = this.#templateName(token, context);
    const after = this.#nextNonSpace();
    if (after.kind === "rightDelimiter") {
      return { kind: "template", name, pipeline: undefined, at: token.at };
    }
    this.#pushedBack.push(after);
    const pipeline = this.#pipeline(context, "rightDelimiter");
    return { kind: "template", name, pipeline, at: token.at };
  }

  #templateName(token: Token, context: string): string {
    if (token.kind !== "string" && token.kind !== "rawString") this.#unexpected(token, context);
    return this.#constant(() => unquoteString(token.text));
  }

  #pipeline(context: string, end: "rightDelimiter" | "rightParen"): Pipeline {
    return this.#nested(() => {
      const at = this.#peekNonSpace().at;
      const { variables, isAssignment } = this.#declarations(context);
      const commands: Command[] = [];
      for (;;) {
        const token = this.#nextNonSpace();
        if (token.kind === end) break;
        const isOperand =
          operandKinds.has(token.kind) || isKeyword(token, ".") || isKeyword(token, "nil");
        if (!isOperand) this.#unexpected(token, context);
        this.#pushedBack.push(token);
        commands.push(this.#command());
      }
      this.#checkPipeline(commands, context);
      return { kind: "pipeline", variables, isAssignment, commands, at };
    });
  }

  #checkPipeline(commands: readonly Command[], context: string): void {
    if (commands.length === 0) this.#fail(`missing value for ${context}`);
    for (const [index, command] of commands.entries()) {
      const first = command.operands[0]?.kind ?? "nil";
      const isConstant = ["bool", "dot", "nil", "number", "string"].includes(first);
      if (index > 0 && isConstant) {
        this.#fail(`non executable command in pipeline stage ${index + 1}`);
      }
    }
  }

  /** `$x :=`, `$x =`, and in a range `$i, $x :=`. */
  #declarations(context: string): { variables: readonly Variable[]; isAssignment: boolean } {
    const variables: Variable[] = [];
    for (;;) {
      const token = this.#peekNonSpace();
      if (token.kind !== "variable") return { variables, isAssignment: false };
      this.#next();
      const after = this.#peek();
      const next = this.#peekNonSpace();
      const isComma = next.kind === "char" && next.text === ",";
      if (next.kind !== "assign" && next.kind !== "declare" && !isComma) {
        // The blank matters: `$x.a` is one operand, `$x .a` are two.
        if (after.kind === "space") this.#pushedBack.push(after);
        this.#pushedBack.push(token);
        return { variables, isAssignment: false };
      }
      this.#nextNonSpace();
      variables.push({ kind: "variable", name: token.text, fields: [], at: token.at });
      this.#variables.push(token.text);
      if (!isComma) return { variables, isAssignment: next.kind === "assign" };
      if (context !== "range" || variables.length > 1) {
        this.#fail(`too many declarations in ${context}`);
      }
      const following = this.#peekNonSpace().kind;
      if (!["variable", "rightDelimiter", "rightParen"].includes(following)) {
        this.#fail("range can only initialize variables");
      }
    }
  }

  #command(): Command {
    const operands: Operand[] = [];
    const at = this.#peekNonSpace().at;
    for (;;) {
      this.#peekNonSpace();
      const operand = this.#operand();
      if (operand !== undefined) operands.push(operand);
      if (operands.length > argumentCountMax) {
        this.#fail(`more than ${argumentCountMax} arguments`);
      }
      const token = this.#next();
      if (token.kind === "space") continue;
      if (token.kind === "pipe") break;
      const isEnd = token.kind === "rightDelimiter" || token.kind === "rightParen";
      if (!isEnd) this.#unexpected(token, "operand");
      this.#pushedBack.push(token);
      break;
    }
    if (operands.length === 0) this.#fail("empty command");
    return { kind: "command", operands, at };
  }

  #operand(): Operand | undefined {
    const term = this.#term();
    if (term === undefined || this.#peek().kind !== "field") return term;
    const at = this.#peek().at;
    const fields: string[] = [];
    while (this.#peek().kind === "field") fields.push(this.#next().text.slice(1));
    switch (term.kind) {
      case "field":
        return { kind: "field", fields: [...term.fields, ...fields], at };
      case "variable":
        return { ...term, fields, at };
      case "bool":
      case "dot":
      case "nil":
      case "number":
      case "string": {
        const quoted = quoteGoString(operandText(term), { asciiOnly: false });
        return this.#fail(`unexpected . after term ${quoted}`);
      }
      case "chain":
      case "identifier":
      case "pipeline":
        return { kind: "chain", base: term, fields, at };
      default:
        return term satisfies never;
    }
  }

  #term(): Operand | undefined {
    const token = this.#nextNonSpace();
    const { at } = token;
    if (isKeyword(token, ".")) return { kind: "dot", at };
    if (isKeyword(token, "nil")) return { kind: "nil", at };
    if (token.kind === "leftParen") return this.#pipeline("parenthesized pipeline", "rightParen");
    const operand = this.#namedTerm(token) ?? this.#constantTerm(token);
    if (operand === undefined) this.#pushedBack.push(token);
    return operand;
  }

  #namedTerm({ kind, text, at }: Token): Operand | undefined {
    if (kind === "field") return { kind: "field", fields: [text.slice(1)], at };
    const quoted = quoteGoString(text, { asciiOnly: false });
    if (kind === "identifier") {
      if (!this.#options.hasFunction(text)) this.#fail(`function ${quoted} not defined`);
      return { kind: "identifier", name: text, at };
    }
    if (kind !== "variable") return undefined;
    if (!this.#variables.includes(text)) this.#fail(`undefined variable ${quoted}`);
    return { kind: "variable", name: text, fields: [], at };
  }

  #constantTerm({ kind, text, at }: Token): Operand | undefined {
    if (kind === "bool") return { kind: "bool", value: text === "true", at };
    if (kind === "number" || kind === "charConstant") {
      const parse = kind === "number" ? parseNumber : parseCharacter;
      return { kind: "number", text, value: this.#constant(() => parse(text)), at };
    }
    if (kind !== "string" && kind !== "rawString") return undefined;
    return { kind: "string", quoted: text, value: this.#constant(() => unquoteString(text)), at };
  }
}

function isKeyword(token: Token, word: string): boolean {
  return token.kind === "keyword" && token.text === word;
}

function isEmptyList(nodes: readonly Node[]): boolean {
  return nodes.every((node) => node.kind === "text" && node.text.trim() === "");
}
