import "../components/configure-zod.ts";
import { render } from "preact";
import { PricePage } from "./price-page.tsx";

render(<PricePage />, document.getElementById("page") as HTMLElement);
