import { wholeLineContract } from '../contract/runtime-whole.ts';
import { runtimeContract } from '../contract/runtime.ts';
import { makeLocalHome } from './local-home.ts';

runtimeContract('local', async () => makeLocalHome());
wholeLineContract('local', async () => makeLocalHome());
