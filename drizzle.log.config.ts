import { defineConfig } from "drizzle-kit";

export default defineConfig({
  dialect: "sqlite",
  schema: "./src/db/request-log/schema.ts",
  out: "./migrations/log",
});
