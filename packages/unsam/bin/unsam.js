#!/usr/bin/env node
import "@unsam/cli/bin/unsam.js";
