import { wholeLineContract } from '../contract/runtime-whole.ts';
import { runtimeContract } from '../contract/runtime.ts';
import { makeFakeHome } from './fake-runtime.ts';

runtimeContract('fake', async () => makeFakeHome());
wholeLineContract('fake', async () => makeFakeHome());
