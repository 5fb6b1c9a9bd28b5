/** The compiler's failures as failures of a command. */
import { CompileRefusal } from '#compile/refusal.ts';
import { CommandFailure, EXIT } from './exit.ts';

/** Runs `work`, which loads what it needs of the compiler itself: the package that parses and bundles is an optional one. */
export async function withCompiler<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CompileRefusal) {
      const { message, hint, code } = error;
      throw new CommandFailure(EXIT.negative, message, { hints: [hint], detail: { code, hint }, cause: error });
    }
    if (!lacksPackage(error)) throw error;
    throw new CommandFailure(EXIT.negative, 'the package rolldown, which reads and bundles code, is not installed', {
      hints: ['install skep’s packages again, with the optional ones: npm ci --include=optional'],
      detail: { code: 'no_compiler' },
      cause: error,
    });
  }
}

const lacksPackage = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  error.code === 'ERR_MODULE_NOT_FOUND' &&
  /'(@rolldown|rolldown)/.test(error.message);
