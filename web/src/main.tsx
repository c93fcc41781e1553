import "~/app/ahead";
import { CSPProvider } from "@base-ui/react/csp-provider";
import { Tooltip } from "@base-ui/react/tooltip";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { commands } from "~/app/commands";
import { Keyboard } from "~/app/keyboard";
import { loadAhead, router } from "~/app/router";
import "~/design/tokens.css";
import "~/design/agents.css";
import "~/design/diff/syntax.css";

loadAhead(location);

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");

new Keyboard(commands).listen(window);

createRoot(root).render(
  <StrictMode>
    <CSPProvider disableStyleElements>
      <Tooltip.Provider delay={400}>
        <RouterProvider router={router} />
      </Tooltip.Provider>
    </CSPProvider>
  </StrictMode>,
);
