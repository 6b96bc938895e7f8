/** Runs parsed templates: Go's text/template/exec over the values of values.ts. */

import { quoteGoString } from "#gofmt";
import { callFunction, type CallSite, missing, type Final } from "./calls.ts";
import type { FunctionContext, FunctionTable, GoFunction } from "./go-function.ts";
import { depthMax, workLengthMax, outputLengthMax, stepsMax } from "./limits.ts";
import { findMethod } from "./methods.ts";
import {
  type Branch,
  type Command,
  commandText,
  type Definitions,
  type Node,
  nodeText,
  type Operand,
  operandText,
  type Pipeline,
  type TemplateCall,
} from "./nodes.ts";
import { mapEntries, printedText } from "./print.ts";
import type { TemplateScope } from "./template.ts";
import { TemplateError } from "./template-error.ts";
import { finishText, isAscii, toBytes } from "./text-bytes.ts";
import {
  Boxed,
  type Evaluated,
  GoInteger,
  GoMap,
  GoSlice,
  type GoValue,
  integer,
  isTrue,
  LabelMap,
  typeName,
  unbox,
} from "./values.ts";

/** What the walk of a list asks of the loop around it. */
type Flow = "next" | "break" | "continue";

type Anchor = Node | Operand | Command;

interface Frame {
  readonly name: string;
  value: Evaluated;
}

export interface Program {
  readonly name: string;
  readonly text: string;
  readonly definitions: Definitions;
  /** What the template may name; the parser has refused all else. */
  readonly functions: FunctionTable;
}

/** `root` is the dot the template begins with: the labels, if nothing else. Throws TemplateError. */
export function runProgram(program: Program, scope: TemplateScope, root?: GoValue): string {
  return new Execution(program, scope, root ?? new LabelMap(scope)).run();
}

class Execution {
  readonly #program: Program;
  readonly #root: GoValue;
  readonly #context: FunctionContext;
  #templateName: string;
  /** The node an error is blamed on. */
  #anchor: Anchor | undefined;
  #variables: Frame[];
  #output = "";
  #work = 0;
  #steps = 0;
  #depth = 0;

  constructor(program: Program, scope: TemplateScope, root: GoValue) {
    this.#program = program;
    this.#templateName = program.name;
    this.#root = root;
    this.#variables = [{ name: "$", value: this.#root }];
    this.#context = { scope, charge: (length) => this.#charge(length) };
  }

  run(): string {
    const nodes = this.#program.definitions.get(this.#program.name) ?? [];
    this.#walkList(nodes, this.#root);
    return finishText(this.#output);
  }

  #charge(length: number): void {
    this.#work += length;
    if (this.#work > workLengthMax) {
      this.#fail(`worked on more than ${workLengthMax} characters`);
    }
  }

  #fail(message: string): never {
    const { name, text } = this.#program;
    const anchor = this.#anchor;
    if (anchor === undefined) throw new TemplateError(`template: ${name}: ${message}`);
    const before = text.slice(0, anchor.at);
    const lineStart = before.lastIndexOf("\n") + 1;
    const line = before.split("\n").length;
    const rest = before.slice(lineStart);
    const column = isAscii(rest) ? rest.length : toBytes(rest).length;
    const quoted = quoteGoString(this.#templateName, { asciiOnly: false });
    const place = `${name}:${line}:${column}: executing ${quoted} at <${anchorText(anchor)}>`;
    throw new TemplateError(finishText(`template: ${place}: ${message}`));
  }

  #write(text: string): void {
    this.#output += text;
    if (this.#output.length > outputLengthMax) {
      this.#fail(`output is longer than ${outputLengthMax} characters`);
    }
  }

  #step(): void {
    this.#steps++;
    if (this.#steps > stepsMax) this.#fail(`took more than ${stepsMax} steps`);
  }

  /** Runs one level deeper; too deep is an error before the stack is. */
  #deeper<T>(run: () => T): T {
    this.#depth++;
    if (this.#depth > depthMax) this.#fail(`exceeded maximum template depth (${depthMax})`);
    const result = run();
    this.#depth--;
    return result;
  }

  #walkList(nodes: readonly Node[], dot: Evaluated): Flow {
    for (const node of nodes) {
      const flow = this.#walk(node, dot);
      if (flow !== "next") return flow;
    }
    return "next";
  }

  #walk(node: Node, dot: Evaluated): Flow {
    this.#step();
    this.#anchor = node;
    switch (node.kind) {
      case "action": {
        const value = this.#pipeline(node.pipeline, dot);
        if (node.pipeline.variables.length > 0) return "next";
        this.#anchor = node;
        this.#write(printedText(value));
        return "next";
      }
      case "break":
      case "continue":
        return node.kind;
      case "if":
      case "with":
        return this.#deeper(() => this.#branch(node, dot));
      case "range":
        return this.#deeper(() => this.#range(node, dot));
      case "template":
        this.#deeper(() => this.#template(node, dot));
        return "next";
      case "text":
        this.#write(node.text);
        return "next";
      default:
        return node satisfies never;
    }
  }

  #branch(node: Branch, dot: Evaluated): Flow {
    const scope = this.#variables.length;
    const value = this.#pipeline(node.pipeline, dot);
    let flow: Flow = "next";
    if (isTrue(unbox(value))) {
      flow = this.#walkList(node.body, node.kind === "with" ? value : dot);
    } else if (node.otherwise !== undefined) flow = this.#walkList(node.otherwise, dot);
    this.#variables.length = scope;
    return flow;
  }

  #range(node: Branch, dot: Evaluated): Flow {
    const scope = this.#variables.length;
    const value = unbox(this.#pipeline(node.pipeline, dot));
    const inner = this.#variables.length;
    let isEmpty = true;
    for (const [key, element] of this.#elements(node, value)) {
      isEmpty = false;
      this.#step();
      this.#setLoopVariables(node.pipeline, key, element);
      const flow = this.#walkList(node.body, element);
      this.#variables.length = inner;
      if (flow === "break") break;
    }
    let flow: Flow = "next";
    if (isEmpty && node.otherwise !== undefined) flow = this.#walkList(node.otherwise, dot);
    this.#variables.length = scope;
    return flow;
  }

  *#elements(
    node: Branch,
    value: GoValue | undefined,
  ): Generator<readonly [GoValue | undefined, Evaluated]> {
    if (value === undefined || value === null) return;
    if (value instanceof GoSlice) {
      for (const [index, item] of value.items.entries()) yield [integer(index), new Boxed(item)];
      return;
    }
    if (value instanceof GoMap || value instanceof LabelMap) {
      const isBoxed = value instanceof GoMap;
      for (const [key, item] of mapEntries(value)) yield [key, isBoxed ? new Boxed(item) : item];
      return;
    }
    if (!(value instanceof GoInteger)) this.#fail(`range can't iterate over ${printedText(value)}`);
    if (node.pipeline.variables.length > 1) {
      this.#fail(`can't use ${printedText(value)} to iterate over more than one variable`);
    }
    for (let i = 0n; i < value.value; i++) yield [undefined, new GoInteger(i, value.type)];
  }

  #setLoopVariables(pipeline: Pipeline, key: GoValue | undefined, element: Evaluated): void {
    const [first, second] = pipeline.variables;
    if (first === undefined) return;
    this.#assign(first.name, second === undefined ? element : key);
    if (second !== undefined) this.#assign(second.name, element);
  }

  #template(node: TemplateCall, dot: Evaluated): void {
    const nodes = this.#program.definitions.get(node.name);
    if (nodes === undefined) {
      this.#fail(`template ${quoteGoString(node.name, { asciiOnly: false })} not defined`);
    }
    const value = node.pipeline === undefined ? undefined : this.#pipeline(node.pipeline, dot);
    const { caller, variables } = { caller: this.#templateName, variables: this.#variables };
    this.#templateName = node.name;
    this.#variables = [{ name: "$", value }];
    this.#walkList(nodes, value);
    this.#templateName = caller;
    this.#variables = variables;
  }

  #variable(name: string): Frame {
    for (let i = this.#variables.length - 1; i >= 0; i--) {
      const frame = this.#variables[i];
      if (frame?.name === name) return frame;
    }
    return this.#fail(`undefined variable: ${name}`);
  }

  #assign(name: string, value: Evaluated): void {
    this.#variable(name).value = value;
  }

  #pipeline(pipeline: Pipeline, dot: Evaluated): Evaluated {
    return this.#deeper(() => {
      this.#step();
      this.#anchor = pipeline;
      let value: Final = missing;
      for (const command of pipeline.commands) {
        const result = unbox(this.#command(command, dot, value));
        // A nil interface stops being a value between commands.
        value = result === null ? undefined : result;
      }
      const result = value === missing ? undefined : value;
      for (const variable of pipeline.variables) {
        if (pipeline.isAssignment) this.#assign(variable.name, result);
        else this.#variables.push({ name: variable.name, value: result });
      }
      return result;
    });
  }

  #command(command: Command, dot: Evaluated, final: Final): Evaluated {
    const [first] = command.operands;
    if (first === undefined) return undefined;
    const args = command.operands;
    switch (first.kind) {
      case "field":
      case "chain":
      case "variable":
        return this.#fieldOperand(first, { dot, args, final });
      case "identifier":
        return this.#function(first.name, { anchor: command, callee: first, dot, args, final });
      case "pipeline":
        this.#refuseArguments(args, final);
        return this.#pipeline(first, dot);
      case "bool":
      case "dot":
      case "nil":
      case "number":
      case "string":
        this.#anchor = first;
        this.#refuseArguments(args, final);
        if (first.kind === "nil") this.#fail("nil is not a command");
        return this.#constant(first, dot);
      default:
        return first satisfies never;
    }
  }

  #refuseArguments(args: readonly Operand[], final: Final): void {
    const [first] = args;
    if (first !== undefined && (args.length > 1 || final !== missing)) {
      this.#fail(`can't give argument to non-function ${operandText(first)}`);
    }
  }

  /** The value of an operand that is no call, where no type is asked for. */
  #constant(
    operand: Operand & { kind: "bool" | "dot" | "number" | "string" },
    dot: Evaluated,
  ): Evaluated {
    switch (operand.kind) {
      case "bool":
      case "string":
        return operand.value;
      case "dot":
        return dot;
      case "number": {
        const { asInteger, asFloat, isFloatForm } = operand.value;
        if (isFloatForm && asFloat !== undefined) return asFloat;
        if (asInteger === undefined) return this.#fail(`${operand.text} overflows int`);
        return integer(asInteger);
      }
      default:
        return operand satisfies never;
    }
  }

  /** The value of an operand as an argument or the base of a chain. */
  #operand(operand: Operand, dot: Evaluated): Evaluated {
    this.#step();
    this.#anchor = operand;
    switch (operand.kind) {
      case "field":
      case "chain":
      case "variable":
        return this.#fieldOperand(operand, { dot, args: [operand], final: missing });
      case "identifier":
        return this.#function(operand.name, {
          anchor: operand,
          callee: operand,
          dot,
          args: [operand],
          final: missing,
        });
      case "nil":
        return null;
      case "pipeline":
        return this.#pipeline(operand, dot);
      case "bool":
      case "dot":
      case "number":
      case "string":
        return this.#constant(operand, dot);
      default:
        return operand satisfies never;
    }
  }

  #fieldOperand(
    operand: Operand & { kind: "field" | "chain" | "variable" },
    call: { dot: Evaluated; args: readonly Operand[]; final: Final },
  ): Evaluated {
    this.#anchor = operand;
    let receiver = call.dot;
    if (operand.kind === "chain") {
      if (operand.base.kind === "nil") {
        this.#fail(`indirection through explicit nil in ${operandText(operand)}`);
      }
      receiver = this.#operand(operand.base, call.dot);
    }
    if (operand.kind === "variable") {
      receiver = this.#variable(operand.name).value;
      if (operand.fields.length === 0) {
        this.#refuseArguments(call.args, call.final);
        return receiver;
      }
    }
    const last = operand.fields.length - 1;
    for (const [index, field] of operand.fields.entries()) {
      const isLast = index === last;
      receiver = this.#field(receiver, field, {
        anchor: operand,
        callee: operand,
        dot: call.dot,
        args: isLast ? call.args : [operand],
        final: isLast ? call.final : missing,
      });
    }
    return receiver;
  }

  #field(receiver: Evaluated, name: string, site: CallSite): Evaluated {
    if (receiver === undefined) return undefined;
    const staticType =
      receiver instanceof Boxed ? "interface {}" : typeName(unbox(receiver) ?? null);
    const value = unbox(receiver);
    if (value === undefined || value === null) {
      return this.#fail(`nil pointer evaluating interface {}.${name}`);
    }
    const method = findMethod(value, name);
    if (method !== undefined) return this.#call(name, method, site);
    if (value instanceof GoMap || value instanceof LabelMap) {
      if (site.args.length > 1 || site.final !== missing) {
        this.#fail(`${name} is not a method but has arguments`);
      }
      if (value instanceof LabelMap) return value.scope.label(name) ?? "";
      return new Boxed(value.entries.get(name) ?? null);
    }
    return this.#fail(`can't evaluate field ${name} in type ${staticType}`);
  }

  #function(name: string, site: CallSite): Evaluated {
    this.#anchor = site.callee;
    const called = this.#program.functions[name];
    if (called === undefined) {
      return this.#fail(`${quoteGoString(name, { asciiOnly: false })} is not a defined function`);
    }
    return this.#call(name, called, site);
  }

  #call(name: string, called: GoFunction | undefined, site: CallSite): Evaluated {
    if (called === undefined) return undefined;
    return this.#deeper(() =>
      callFunction(called, {
        name,
        site,
        context: this.#context,
        evaluate: (operand) => this.#operand(operand, site.dot),
        blame: (anchor) => {
          this.#anchor = anchor;
        },
        fail: (message) => this.#fail(message),
      }),
    );
  }
}

function anchorText(anchor: Anchor): string {
  switch (anchor.kind) {
    case "command":
      return commandText(anchor);
    case "action":
    case "break":
    case "continue":
    case "if":
    case "range":
    case "template":
    case "text":
    case "with":
      return nodeText(anchor);
    case "bool":
    case "chain":
    case "dot":
    case "field":
    case "identifier":
    case "nil":
    case "number":
    case "pipeline":
    case "string":
    case "variable":
      return operandText(anchor);
    default:
      return anchor satisfies never;
  }
}
