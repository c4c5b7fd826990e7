import type { Browser } from "playwright-core";

export function browserHere(): string | null;
export function openBrowser(): Promise<Browser>;
