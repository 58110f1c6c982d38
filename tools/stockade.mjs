#!/usr/bin/env node
// The `stockade` command of the package: starts the program with a Node.js that is new enough.
import { runProgram } from './run-program.mjs';

runProgram('src/cli/main.ts');
