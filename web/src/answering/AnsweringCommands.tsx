import { useNavigate } from "@tanstack/react-router";
import { Suspense, useEffect, useCallback } from "react";
import { useMadeCommands } from "~/app/commands";
import { notifications } from "~/app/notifications";
import { seenText } from "~/design/seen";
import { useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import { lazily } from "~/live/wire/code";
import { toAnswer } from "./toAnswer";
import * as texts from "~/texts";

const AnswerDialog = lazily(() => import("./AnswerDialog").then((m) => ({ default: m.AnswerDialog })));

/** Answering from every page: from the palette, from a notification, and wherever else something is chosen to be answered. */
export function AnsweringCommands() {
  const { needs, waiting } = useWorkspace();
  const chosen = useReadable(toAnswer);
  const navigate = useNavigate();
  const close = useCallback(() => toAnswer.set(null), []);
  useMadeCommands(() => {
    const all = waiting.get();
    return (all.state === "ready" ? all.value : []).map((one) => ({
      id: `answer ${one.key}`,
      title: texts.inbox.answerIt(one.agent, seenText(one.title)),
      section: texts.inbox.title,
      run: () => toAnswer.set(one),
    }));
  });
  useEffect(
    () =>
      notifications.watch(needs, ({ approval }) => {
        if (approval === null) void navigate({ to: "/inbox" });
        else toAnswer.set(approval);
      }),
    [needs, navigate],
  );
  return <Suspense>{chosen && <AnswerDialog key={chosen.key} waiting={chosen} onClose={close} />}</Suspense>;
}
