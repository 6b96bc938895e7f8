/**
 * A pattern inside a stage (template of captures, address, path) that is malformed. `checkStages`
 * says in which stage.
 */
export class PatternError extends Error {}
