/** `npm run mutants [-- WORD…]`: the table of all mutants, or of those whose name has one of the words. Fails when one is not caught. */
import { caught, MUTANT_NAMES, rowOf, TABLE_HEAD } from './mutant/run.ts';

const words = process.argv.slice(2);
const names = MUTANT_NAMES.filter((name) => words.length === 0 || words.some((word) => name.includes(word)));
process.stdout.write(`${TABLE_HEAD}\n`);
let missed = 0;
for (const name of names) {
  const found = await caught(name);
  if (found === undefined) missed += 1;
  process.stdout.write(`${rowOf(name, found)}\n`);
}
process.stdout.write(`\n${names.length - missed} caught, ${missed} not\n`);
process.exitCode = missed === 0 ? 0 : 1;
