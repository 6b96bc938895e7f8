/** What a kept entry weighs besides its line. */
export const entryOverheadBytes = 200;
