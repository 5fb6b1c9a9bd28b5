import { runtimeContract } from '../contract/runtime.ts';
import { makeFakeHome } from './fake-runtime.ts';

runtimeContract('fake', async () => makeFakeHome());
