#!/usr/bin/env node
// The `stockade-certs` command of the package: starts it with a Node.js that is new enough.
import { runProgram } from './run-program.mjs';

runProgram('certs-tool/main.ts');
