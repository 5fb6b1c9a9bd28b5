/** Rules of skep, each taken away by a change of its source as it is loaded. A change whose text is no longer in the source is an error. */
type Change = { file: string; find: string; replace: string };

/** Who has to find the mutant: storms and races of whole swarms, storms in which nodes seal, tasks are optimistic or agents have mail, the explorer of one slot, or the unit test that stands for the rule. */
type Look = 'storms' | 'sealed' | 'optimistic' | 'mail' | 'races' | 'explorer' | `test/${string}`;

/** `shows`: the checks in which it must show, where any other would say too little. */
export type PatchedMutant = { changes: Change[]; look: Look; shows?: string[] };

export const in_ = (file: string, find: string, replace: string): Change => ({ file: `src/${file}`, find, replace });
