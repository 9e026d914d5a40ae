import "../components/configure-zod.ts";
import { render } from "preact";
import { BatchPage } from "./batch-page.tsx";

render(<BatchPage />, document.getElementById("page") as HTMLElement);
