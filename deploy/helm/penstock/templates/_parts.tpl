{{/* Parts that several processes have. Only what Go's own templates know is used, so that they can be rendered without helm. */}}
{{- define "penstock.security" }}
        runAsNonRoot: true
        runAsUser: 65532
        runAsGroup: 65532
        seccompProfile: { type: RuntimeDefault }
{{- end }}
{{- define "penstock.container-security" }}
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: { drop: [ALL] }
{{- end }}
{{- define "penstock.env" }}
            - { name: SHUTDOWN_MS, value: "{{ .Values.shutdownSeconds }}000" }
            - { name: REDIS_URL, valueFrom: { secretKeyRef: { name: {{ .Values.secret }}, key: redis-url } } }
            - { name: MASK_KEY, valueFrom: { secretKeyRef: { name: {{ .Values.secret }}, key: mask-key } } }
            - { name: PAYLOAD_KEYS, valueFrom: { secretKeyRef: { name: {{ .Values.secret }}, key: payload-keys } } }
            - { name: QUEUE_SHARDS, value: "{{ .Values.queue.shards }}" }
{{- if .Values.queue.replicas }}
            - { name: QUEUE_REPLICAS, value: "{{ .Values.queue.replicas }}" }
{{- end }}
{{- if .Values.otlpEndpoint }}
            - { name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ printf "%q" .Values.otlpEndpoint }} }
{{- end }}
{{- end }}
{{- define "penstock.probes" }}
          startupProbe: { httpGet: { path: /health, port: health }, periodSeconds: 2, failureThreshold: 30 }
          livenessProbe: { httpGet: { path: /health, port: health }, periodSeconds: 10, timeoutSeconds: 3, failureThreshold: 3 }
          # Longer than a check of its own may take, which is 2 s.
          readinessProbe: { httpGet: { path: /ready, port: health }, periodSeconds: 5, timeoutSeconds: 3, failureThreshold: 2 }
          lifecycle: { preStop: { sleep: { seconds: {{ .Values.preStopSeconds }} } } }
{{- end }}
{{- define "penstock.mounts" }}
{{- if or .Values.configMap .Values.tlsSecret }}
          volumeMounts:
{{- if .Values.configMap }}
            - { name: configuration, mountPath: /app/penstock.config.ts, subPath: penstock.config.ts, readOnly: true }
{{- end }}
{{- template "penstock.tls-mount" . }}
{{- end }}
{{- end }}
{{- define "penstock.volumes" }}
{{- if or .Values.configMap .Values.tlsSecret }}
      volumes:
{{- if .Values.configMap }}
        - { name: configuration, configMap: { name: {{ .Values.configMap }} } }
{{- end }}
{{- template "penstock.tls-volume" . }}
{{- end }}
{{- end }}
{{- define "penstock.tls-mount" }}
{{- if .Values.tlsSecret }}
            - { name: tls, mountPath: /etc/penstock/tls, readOnly: true }
{{- end }}
{{- end }}
{{- define "penstock.tls-volume" }}
{{- if .Values.tlsSecret }}
        - { name: tls, secret: { secretName: {{ .Values.tlsSecret }} } }
{{- end }}
{{- end }}
{{/* What a worker's pod is, behind its `spec:`. Its variables come last, so that more can be named behind them. */}}
{{- define "penstock.worker-pod" }}
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
      securityContext:
{{- template "penstock.security" . }}
{{- template "penstock.volumes" . }}
      containers:
        - name: worker
          image: "{{ .Values.images.prefix }}-worker:{{ .Values.images.tag }}"
          imagePullPolicy: {{ .Values.images.pullPolicy }}
          securityContext:
{{- template "penstock.container-security" . }}
          ports:
            - { name: health, containerPort: 9081 }
          resources:
            requests: { cpu: {{ .Values.worker.cpuRequest }}, memory: {{ .Values.worker.memoryLimit }} }
            # Memory alone: a limit of CPU would make answers late.
            limits: { memory: {{ .Values.worker.memoryLimit }} }
{{- template "penstock.probes" . }}
{{- template "penstock.mounts" . }}
          env:
{{- template "penstock.env" . }}

            - { name: DATABASE_URL, valueFrom: { secretKeyRef: { name: {{ .Values.secret }}, key: worker-database-url } } }
{{- range .Values.worker.secretEnv }}
            - { name: {{ .name }}, valueFrom: { secretKeyRef: { name: {{ $.Values.secret }}, key: {{ .key }} } } }
{{- end }}
{{- range $name, $value := .Values.worker.env }}
            - { name: {{ $name }}, value: {{ printf "%q" $value }} }
{{- end }}
{{- end }}
{{/* Which series are this release's, by the labels that its ServiceMonitor gives them. */}}
{{- define "penstock.own-series" }}
{{- if .Values.worker.keda.matchers }}{{ .Values.worker.keda.matchers }}
{{- else }}namespace="{{ .Release.Namespace }}",service="{{ .Release.Name }}-private"
{{- end }}
{{- end }}
