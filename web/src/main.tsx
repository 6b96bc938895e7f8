import { render } from "preact";
import "./app/theme.css";
import "./app/base.css";
import { Shell } from "./app/shell.tsx";
import { followSession } from "./login/session.ts";
import { followAddress } from "./state/location.ts";
import { followKeys } from "./state/shortcuts.ts";
import { followTheme } from "./state/theme.ts";

followTheme();
followAddress();
followKeys();
followSession();
render(<Shell />, document.getElementById("app")!);
