using System.Text.Json;
using KkiMesh.Contracts;
using Marten;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// What a service does with one type of event: learn from it, react to it, or first the one and then the other.
/// </summary>
internal abstract class Subscription
{
    /// <summary>The record of the contract.</summary>
    public abstract Type Event { get; }

    /// <summary>The CloudEvents type.</summary>
    public string Type => PublicEvents.TypeOf(Event)!;

    /// <summary>The service that publishes it.</summary>
    public string Publisher => PublisherOf(Type);

    /// <summary>
    /// The service that publishes events of this CloudEvents type; the type itself where it names none.
    /// </summary>
    public static string PublisherOf(string type) => type.Split('.') is [_, var publisher, ..] ? publisher : type;

    /// <summary>Whether the service's picture is made of it.</summary>
    public abstract bool IsLearnt { get; }

    /// <summary>Reads an event's data as the record of the contract.</summary>
    /// <exception cref="InvalidCloudEventException">They are not the contract's.</exception>
    public abstract object Read(JsonElement data);

    /// <summary>Adds it to the picture.</summary>
    public abstract void Learn(JsonElement data, IDocumentOperations picture);

    /// <summary>Answers it.</summary>
    public abstract Task React(object e, Reaction reaction);
}

internal sealed class Subscription<T> : Subscription
    where T : class
{
    private Action<T, IDocumentOperations>? _learn;
    private Func<T, Reaction, Task>? _react;

    public override Type Event => typeof(T);

    public override bool IsLearnt => _learn is not null;

    public void Add(Action<T, IDocumentOperations> learn) => _learn = Once(_learn, learn);

    public void Add(Func<T, Reaction, Task> react) => _react = Once(_react, react);

    public override object Read(JsonElement data)
    {
        try
        {
            return data.Deserialize<T>(ContractJson.Options) ?? throw new InvalidCloudEventException($"Its data are null, and no {Type}.");
        }
        catch (JsonException problem)
        {
            throw new InvalidCloudEventException($"Its data are not those of {Type}: {problem.Message}", problem);
        }
    }

    public override void Learn(JsonElement data, IDocumentOperations picture) =>
        _learn?.Invoke(data.Deserialize<T>(ContractJson.Options)!, picture);

    public override Task React(object e, Reaction reaction) => _react?.Invoke((T)e, reaction) ?? Task.CompletedTask;

    private static TDelegate Once<TDelegate>(TDelegate? was, TDelegate now)
        where TDelegate : Delegate =>
        was is null ? now : throw new InvalidOperationException($"{typeof(T).Name} is taken by {was.Method.DeclaringType?.Name} already.");
}
