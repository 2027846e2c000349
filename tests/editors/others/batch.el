;;; batch.el --- What the test of Emacs drives  -*- lexical-binding: t; -*-

;; Opens a spell, asks Eglot for what a person would, prints the answers as JSON.

(require 'llmspell)
(require 'json)

;; Stands for the package of that name: Emacs itself has only `lua-ts-mode', which needs a grammar.
(unless (fboundp 'lua-mode)
  (define-derived-mode lua-mode prog-mode "Lua"))
(add-to-list 'auto-mode-alist '("\\.lua\\'" . lua-mode))

(defun batch-until (what test)
  "Lets processes and timers go on until TEST gives something."
  (let ((deadline (+ (float-time) 20)) value)
    (while (not (setq value (funcall test)))
      (when (> (float-time) deadline) (error "Never came: %s" what))
      (accept-process-output nil 0.05))
    value))

(defun batch-messages ()
  (mapcar #'flymake-diagnostic-text (flymake-diagnostics)))

(defun batch-ended ()
  "Whether the process of this compilation buffer has ended."
  (string-match-p "^\\(Compilation\\|Comint\\) \\(finished\\|exited\\)" (buffer-string)))

(defun batch-answer (file question answer)
  "Run FILE, which asks QUESTION, as somebody who types ANSWER; print the rest."
  (find-file file)
  (llmspell-run)
  (with-current-buffer "*compilation*"
    (batch-until "the question" (lambda () (string-match-p question (buffer-string))))
    (goto-char (point-min))
    ;; As the command loop does before and at each key.
    (setq this-command #'self-insert-command)
    (run-hooks 'pre-command-hook)
    (insert answer)
    (comint-send-input)
    (batch-until "the end" #'batch-ended)
    (princ (buffer-string))))

(defun batch-drive (file mistake member)
  (find-file file)
  (run-hooks 'post-command-hook)
  (batch-until "the server" #'eglot-managed-p)
  (let (found)
    (push (cons 'root (expand-file-name (project-root (eglot--project (eglot-current-server))))) found)
    (goto-char (point-max))
    (insert mistake "\n")
    (eglot--signal-textDocument/didChange)
    (flymake-start)
    (push (cons 'mistakes (vconcat (batch-until "a diagnostic" #'batch-messages))) found)
    (forward-line -1)
    (delete-region (point) (point-max))
    (eglot--signal-textDocument/didChange)
    (batch-until "no diagnostic" (lambda () (null (batch-messages))))
    (insert member)
    (let* ((capf (eglot-completion-at-point)) (names (all-completions "" (nth 2 capf))))
      (push (cons 'members (vconcat (mapcar #'substring-no-properties names))) found))
    (delete-region (line-beginning-position) (point-max))
    (goto-char (point-min))
    (search-forward "agent =")
    (goto-char (match-beginning 0))
    (eglot-rename "greeter")
    (push (cons 'text (buffer-substring-no-properties (point-min) (point-max))) found)
    (let ((server (eglot-current-server)))
      (set-buffer-modified-p nil)
      (eglot-shutdown server)
      (kill-buffer))
    (setq compilation-ask-about-save nil)
    (dolist (command '(llmspell-validate llmspell-run))
      (with-current-buffer (find-file-noselect file)
        (funcall command))
      (with-current-buffer "*compilation*"
        (batch-until "the end" #'batch-ended)
        (push (cons command (buffer-string)) found)))
    (princ (json-encode found))))
