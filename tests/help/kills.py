# SPDX-License-Identifier: MIT
"""Killing stages: at random moments and at failpoints, several times in a row, always ending with the same command
undisturbed. What it publishes then must have the bytes of a run that was never disturbed, and leave nothing over."""
import collections
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import tiny


class Stage:
    """A stage over the datasets of an undisturbed run in whole/."""

    def __init__(self, stage, source, name=None, out="whole", settings=None):
        self.stage, self.source, self.name, self.settings = stage, source, name or stage, settings
        begin = time.monotonic()
        tiny.run(self.line(out) + ["--threads", "1"])
        self.seconds = time.monotonic() - begin
        self.expected = self.published(out)
        self.trials = self.kills = 0

    def line(self, out):
        return tiny.command(self.stage, self.source, "whole", out, self.settings)

    def published(self, out):
        names = tiny.folders(self.stage)[1]
        return {f"{name}/{path}": digest for name in names for path, digest in tiny.sealed(os.path.join(out, name)).items()}

    def disturb(self, attempts):
        """attempts(i) gives the i-th start's environment, seconds until it is killed (None: not from outside) and exit
        statuses that are fine besides 0; None: enough. Ends with the plain command. Returns what is wrong."""
        out = "trial"
        self.trials += 1
        story = []
        for i in range(100):
            attempt = attempts(i)
            if attempt is None:
                break
            env, seconds, fine = attempt
            line = self.line(out) + ["--threads", str(1 + i % 2)]
            process = subprocess.Popen(line, env={**os.environ, **env}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.PIPE, start_new_session=True)
            try:
                error = process.communicate(timeout=seconds)[1]
            except subprocess.TimeoutExpired:
                error = b""
                tiny.killed(process)
                process.stderr.close()
            status = process.returncode
            story.append(f"{' '.join(env.values()) or seconds} -> {status}")
            self.kills += status == -signal.SIGKILL
            if status not in (0, -signal.SIGKILL, *fine):
                return self.wrong(story, [f"exit status {status}: {error.decode()}"])
        last = subprocess.run(self.line(out) + ["--threads", "2"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        if last.returncode:
            return self.wrong(story, [f"undisturbed at last: exit status {last.returncode}: {last.stdout}"])
        wrong = tiny.compare("at last", self.expected, self.published(out))
        if wrong:
            return self.wrong(story, wrong)
        shutil.rmtree(out)
        return []

    def wrong(self, story, lines):
        shutil.rmtree("trial", ignore_errors=True)
        return [f"{self.name} after {'; '.join(story)}: {line}" for line in lines]


def stages():
    """Each stage after an undisturbed run of it, in order."""
    tiny.built()
    tiny.in_memory()
    tiny.corpus("corpus.jsonl")
    source = os.path.abspath("corpus.jsonl")
    for name in tiny.STAGES:
        yield Stage(name, source)
        if name == "tokenize":  # documents and tokens are made in one pass
            yield Stage(name, source, "tokenize with an imported vocabulary", "imported",
                        {"vocabulary.tokenizer": os.path.abspath("whole/vocabulary")})


def report(all_wrong, done, least):
    """Prints figures; the exit status. Where nothing was killed, nothing was tested."""
    for stage in done:
        print(f"{stage.name}: {stage.trials} trials, {stage.kills} kills, {stage.seconds:.2f} s undisturbed")
        if stage.kills < least:
            all_wrong.append(f"{stage.name}: killed {stage.kills} times, at least {least} are wanted")
    print("\n".join(all_wrong))
    return 1 if all_wrong else 0


def at_random(trials, seed=1):
    """Kills after a random time, one to five times in a row."""
    trials = max(3, trials // 5) if tiny.sanitized() else trials  # slow, and looks for other faults
    wrong, done, numbers = [], [], tiny.of_piece(range(trials))
    for stage in stages():
        for number in numbers:
            rng = random.Random(f"{seed} {stage.name} {number}")
            times = [rng.uniform(0, 1.1 * stage.seconds) for _ in range(rng.randint(1, 5))]
            wrong += stage.disturb(lambda i: ({}, times[i], ()) if i < len(times) else None)
        done.append(stage)
    return report(wrong, done, len(numbers) // 4)  # a loaded machine misses many


def passages(stage):
    """[(failpoint, how often an undisturbed run passes it)]"""
    tiny.run(stage.line("listed") + ["--threads", "1"], {"CBTM_FAIL_LIST": os.path.abspath("points")})
    shutil.rmtree("listed")
    count = collections.Counter()
    with open("points") as f:
        for line in f:
            name, n = line.split()
            count[name] += int(n)
    os.unlink("points")
    return sorted(count.items())


def plans(stage, most, seed):
    """([CBTM_FAIL of each start], exit statuses that are fine besides 0): kills at up to `most` passages of every failpoint, each
    followed by two more on the way; then for each failpoint a full disk, a failure and a stop."""
    points = passages(stage)
    everywhere = [f"{name}:{n}" for name, count in points for n in range(1, count + 1)]
    for name, count in points:
        rng, chosen = random.Random(f"{seed} {stage.name} {name}"), list(range(1, count + 1))
        if count > most:
            ends = [1, count] if most > 1 else [rng.choice((1, count))]
            chosen = sorted({*ends, *rng.sample(chosen, most - len(ends))})
        for n in chosen:
            yield [f"{name}:{n}:kill", f"{rng.choice(everywhere)}:kill", f"{name}:1:kill"], ()
        # Failing there is an I/O error (74), stopping there is resumable (75); or it was the last thing to do (0).
        yield [f"{name}:{chosen[-1]}:enospc", f"{name}:{chosen[0]}:eio", f"{name}:{chosen[len(chosen) // 2]}:stop"], (74, 75)


def at_failpoints(most, seed=1):
    if not tiny.has_failpoints():
        print("configure --enable-fault")
        return tiny.SKIPPED
    most = min(most, 1) if tiny.sanitized() else most
    wrong, done = [], []
    for stage in stages():
        mine = tiny.of_piece(plans(stage, most, seed))
        for plan, fine in mine:
            wrong += stage.disturb(lambda i: ({"CBTM_FAIL": plan[i]}, None, fine) if i < len(plan) else None)
        done += [stage] if not all(fine for plan, fine in mine) else []  # a small piece may hold no kills of a stage
    return report(wrong, done, 1)


def main(what, count):
    sys.exit({"random": at_random, "failpoints": at_failpoints}[what](count))
